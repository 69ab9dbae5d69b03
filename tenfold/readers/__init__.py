"""Formats to rows and arrays, one medium a file."""
