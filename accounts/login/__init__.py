"""Signing in: passwords, lockout, tokens, and the authentication of requests and sockets."""
