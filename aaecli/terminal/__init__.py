"""What a person sees at a terminal: the two streams, and pictures as text."""
