"""Network architectures, one family per file, independent of tasks and data."""
