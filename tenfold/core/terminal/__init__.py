"""Help pages and flags of the command line."""
