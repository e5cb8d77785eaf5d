"""Collecting, tick by tick: `engine` runs the sources, `backlog` holds what is not stored yet,
`delivery` stores and pushes it."""
