"""Predicted groups, their scores, and the report section made of them."""
