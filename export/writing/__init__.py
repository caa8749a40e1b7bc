"""Exports of models that write."""
