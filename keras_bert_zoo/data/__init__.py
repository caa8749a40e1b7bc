"""Files to examples to length-bucketed batches."""
