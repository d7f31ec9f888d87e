"""One training: from its settings to its result."""
