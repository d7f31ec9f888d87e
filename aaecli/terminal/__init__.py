"""Terminal output: the two streams, and pictures as text."""
