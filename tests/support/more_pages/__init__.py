"""The pages that are still to come, as an app of its own: nothing else knows of it.

Pytest registers them in a copy of the registry; browser tests start a server with `settings`.
"""
