"""From a source to encoded rows."""
