"""One kind of work a file; the file's name is the command line's name."""
