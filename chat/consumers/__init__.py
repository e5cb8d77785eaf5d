"""The socket of chat, by what its commands are about."""
