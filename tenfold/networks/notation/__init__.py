"""Network descriptions in one line: parsing, shape inference, advice, and the torch module."""
