"""REST: rooms, members, messages, files and search, by the same services as the socket."""
