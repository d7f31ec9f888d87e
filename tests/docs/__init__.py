"""README and docs: what they state is what is measured, and what they show runs."""
