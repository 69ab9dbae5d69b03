"""Signals: rows of numbers in text files."""
