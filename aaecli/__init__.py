"""Adversarial autoencoders that learn to read small images from very few labels."""

__version__ = "0.1.0"
