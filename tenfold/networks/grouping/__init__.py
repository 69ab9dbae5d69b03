"""Fitting without labels: k-means, and Gaussian mixtures by expectation-maximisation."""
