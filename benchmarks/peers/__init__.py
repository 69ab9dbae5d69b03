"""Peers: scripts for a peer's own environment; each stands alone and prints one JSON object."""
