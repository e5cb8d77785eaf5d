"""Errors of backups and restores; the message is one sentence for the operator."""

from __future__ import annotations


class BackupError(Exception):
    """The backup or restore failed; the database is unchanged."""
