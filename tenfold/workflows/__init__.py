"""Several steps in order: train, repeat, tune, export, estimate."""
