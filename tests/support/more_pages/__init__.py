"""Planned pages, as a separate app that nothing else knows about.

Pytest registers them in a copy of the registry; browser tests start a server with `settings`.
"""
