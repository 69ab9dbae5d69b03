"""Data preparation: from a data source to encoded rows."""
