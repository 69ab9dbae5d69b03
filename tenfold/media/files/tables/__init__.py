"""Tables in files: delimited text, ARFF, JSON, Parquet, Arrow, spreadsheets, SQLite."""
