"""From a picture as people have it to the image that a model reads."""
