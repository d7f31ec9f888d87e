"""The encoders, a file each."""
