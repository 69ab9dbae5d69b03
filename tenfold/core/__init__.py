"""Basic types and utilities: columns, settings, errors, progress, languages, platform."""
