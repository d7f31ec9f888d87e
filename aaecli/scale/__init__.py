"""Work in shards, on this machine or on many: what is done is told by the files alone."""
