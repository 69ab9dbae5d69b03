"""The verbs, one per file: the same words in Python and on the command line."""
