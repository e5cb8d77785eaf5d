"""Users, workspaces, credentials (sessions, tokens, tickets) and permissions."""
