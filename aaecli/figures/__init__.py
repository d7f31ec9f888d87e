"""Pictures of what was learnt, drawn by matplotlib from plain arrays. Imported only when a figure is drawn."""
