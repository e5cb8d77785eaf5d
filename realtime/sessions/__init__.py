"""Connections and their users, in this process and in all of them, and how sockets end."""
