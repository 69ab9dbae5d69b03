"""Readers of boxes around objects in pictures, in the formats of the field."""
