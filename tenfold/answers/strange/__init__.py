"""How strange a row is, its scores, and the report sections made of them."""
