"""HTTP server for runs: typed routes, one queue per model, limits, and a web page."""
