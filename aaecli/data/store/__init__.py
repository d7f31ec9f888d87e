"""A folder of prepared images that are read where they lie on the disk, for data sets larger than the memory."""
