"""Single values of a table: numbers and categories."""
