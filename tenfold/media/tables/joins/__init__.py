"""Joins a second table of lines: which lines come before a row, and columns made of them."""
