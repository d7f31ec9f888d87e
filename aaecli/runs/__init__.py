"""Run folders: their paths, locks and results."""
