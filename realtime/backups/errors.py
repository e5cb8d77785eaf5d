"""What can go wrong, told to the operator in one sentence."""

from __future__ import annotations


class BackupError(Exception):
    """The backup or the restore cannot be done; the database is as it was."""
