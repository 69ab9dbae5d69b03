"""N-grams of texts: hashed ones with their scores, and a vocabulary of known ones."""
