"""Candidates for tables: linear, boosted trees, a network, and their blend."""
