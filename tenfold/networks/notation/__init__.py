"""A network written in one line."""
