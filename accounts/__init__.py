"""People, workspaces and the ways in: sessions, tokens, tickets, and who may do what."""
