"""Evaluation: vectors, rankings, protocols."""
