"""Readers of data sets, a file a format."""
