"""Which picture files the names, folders, patterns and lists that a user gives stand for."""
