"""Network families, one a file, built from `modules`; they know nothing of the rest of tenfold."""
