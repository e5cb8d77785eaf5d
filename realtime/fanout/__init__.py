"""From the channel layer to the sockets: one feed a stream, encoded once, written together."""
