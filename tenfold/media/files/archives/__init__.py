"""Archives as sources: zip and tar, the latter plain or packed with gzip, bzip2 or xz."""
