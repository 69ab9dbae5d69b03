"""One task a file; the file's name is the command line's name."""
