"""Input media, one package each, and the readers of general file formats."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "media")
