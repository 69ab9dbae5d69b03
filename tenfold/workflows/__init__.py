"""Workflows of several steps: train, repeat, cross-validate, tune, export, estimate."""
