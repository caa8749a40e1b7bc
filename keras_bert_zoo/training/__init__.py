"""Optimizers as published, schedules, fine-tuning, resuming."""
