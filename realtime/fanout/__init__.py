"""Fan-out from the channel layer to sockets: one feed per stream, encoded once, sent together."""
