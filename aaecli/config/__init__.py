"""What a user can set: the schema, where settings come from, the family of models."""
