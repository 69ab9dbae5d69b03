"""What goes in: one package a medium, and the general file formats."""

from tenfold.core.rooms import searched

__path__ = searched(__path__, "media")
