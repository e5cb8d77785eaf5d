"""The admin of accounts: users, workspaces, tokens, sessions, and the audit log."""

from accounts.admin import audit, people

__all__ = ["audit", "people"]
