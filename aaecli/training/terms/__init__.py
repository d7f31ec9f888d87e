"""The loss terms, a file each, and what a term is."""
