"""Recipes as YAML, one folder per walk."""
