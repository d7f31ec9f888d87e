"""Folders of pictures as a data set."""
