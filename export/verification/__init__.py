"""Artifacts re-run in their own runtimes and compared with Keras."""
