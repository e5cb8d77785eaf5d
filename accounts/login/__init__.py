"""Signing in: credentials, lockout, tokens, and who makes a request or opens a socket."""
