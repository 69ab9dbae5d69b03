"""Masks: a class, and where given an object number, for each pixel of a picture."""
