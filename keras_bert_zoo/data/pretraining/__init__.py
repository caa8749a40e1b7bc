"""Shards of token ids to batches with masked words. TensorFlow-only but for the plans."""
