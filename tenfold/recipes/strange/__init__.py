"""Finds strange rows: candidates fitted to good rows, their comparison, the threshold."""
