"""What services need of the database: threads, batches, SQLite's write gate, workers' fences."""
