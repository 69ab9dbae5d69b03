"""Finds groups of rows without labels: candidates, their comparison, the number of groups."""
