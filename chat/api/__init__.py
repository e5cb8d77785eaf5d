"""REST API of rooms, members, messages, files and search, with the same services as the socket."""
