"""How bytes of text files are decoded: the encoding of a file or a corpus."""
