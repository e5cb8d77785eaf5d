"""The chat socket, one module per group of commands."""
