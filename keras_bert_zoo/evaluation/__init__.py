"""Metrics, from the libraries that define them."""
