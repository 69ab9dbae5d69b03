"""Answer kinds: the forms that a prediction can take, one kind in each file."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "answers")
