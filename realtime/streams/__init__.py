"""Units of work, log streams, and the way into the channel layer."""
