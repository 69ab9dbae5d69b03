"""Trained runs: storage on disk, prediction, evaluation, comparison, explanation, embeddings."""
