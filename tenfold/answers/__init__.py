"""What can be predicted: one kind of answer a file."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "answers")
