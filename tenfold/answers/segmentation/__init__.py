"""Predicted masks: run lengths, objects, outlines, files, drawings."""
