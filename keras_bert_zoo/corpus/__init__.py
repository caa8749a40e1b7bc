"""Raw text to shards of token ids."""
