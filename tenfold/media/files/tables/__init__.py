"""Tables in files: delimited text, JSON, Parquet, Arrow, spreadsheets, SQLite."""
