"""Reading and writing published checkpoints: sources, file formats, weight tables."""
