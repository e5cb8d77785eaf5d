"""Collecting: one module a kind of source, and the engine that runs them."""
