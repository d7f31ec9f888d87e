"""Run folders: where they are, who holds them, what they reached."""
