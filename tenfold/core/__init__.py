"""Nouns and ground: columns, settings, errors, progress, languages, platform."""
