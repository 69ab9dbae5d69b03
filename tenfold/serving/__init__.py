"""A run behind HTTP: typed routes, one queue a model, limits, and a page for people."""
