"""What goes in: one package a medium, and the general file formats."""
