"""Units of work, log streams, and publishing to the channel layer."""
