"""REST API of metrics, their history, and pushed samples."""
