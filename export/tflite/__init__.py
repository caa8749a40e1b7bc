"""TFLite files: the converter's output made lean, and its weights stored by recipe."""
