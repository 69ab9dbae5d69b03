"""General file formats: archives, tables, records, lists of files."""
