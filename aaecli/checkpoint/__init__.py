"""Files of weights: written whole, checked before they are loaded."""
