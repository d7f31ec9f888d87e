"""The distributions that the style is matched to, a file each: the same with torch and without."""
