"""Single columns of a table: cells, notation, numbers, dates, codes and marks for missing."""
