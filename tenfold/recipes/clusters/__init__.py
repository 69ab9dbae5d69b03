"""Clustering: its candidates, the graph of nearest neighbours, alignment of pictures for it."""
