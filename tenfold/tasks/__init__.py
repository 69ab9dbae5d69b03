"""The tasks, one file or package each; the file's name is the name on the command line."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "tasks")
