"""Clustering of rows by the graph of their nearest neighbours, and alignment of pictures for it."""

from tenfold.recipes.clusters.code import Code
from tenfold.recipes.clusters.graph import Graph, eigengaps
from tenfold.recipes.clusters.moments import views
from tenfold.recipes.clusters.neighbours import nearest, votes
from tenfold.recipes.clusters.spectral import Partition, best_view, partition

__all__ = [
    "Code",
    "Graph",
    "Partition",
    "best_view",
    "eigengaps",
    "nearest",
    "partition",
    "views",
    "votes",
]
