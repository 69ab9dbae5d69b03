"""Metrics of answers, as functions of arrays."""
