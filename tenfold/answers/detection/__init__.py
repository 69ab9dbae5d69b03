"""Helpers of the answer kind of boxes: suppression, matching, average precision, files."""
