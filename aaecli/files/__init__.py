"""Files: the one way to open them and the one way to write them."""
