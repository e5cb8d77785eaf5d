"""Message search: the query language and the database indexes."""
