"""The command line's own texts: help pages."""
