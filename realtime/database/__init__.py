"""Database access of services: threads, batches, SQLite's write gate, workers' fences."""
