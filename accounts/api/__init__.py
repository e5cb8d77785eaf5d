"""REST: tokens, the signed-in user, the audit log, and the users of a workspace."""
