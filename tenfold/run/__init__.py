"""A trained run on disk and all that can be asked of it."""
