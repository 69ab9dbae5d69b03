"""One task a file; the file's name is the command line's name."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "tasks")
