"""The search for the smallest TFLite file that is good enough on the user's texts."""
