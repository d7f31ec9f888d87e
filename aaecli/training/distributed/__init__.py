"""One training by several processes, which torchrun starts."""
