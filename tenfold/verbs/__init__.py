"""The verbs, one a file: the same words in Python and on the command line."""
