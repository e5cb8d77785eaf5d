"""Backups: create and restore one archive with the database and the uploaded files.

Restoring gives every log stream a new epoch: otherwise offsets would be assigned a second time,
and clients would take the new events for ones that they already have and skip them
(docs/adr/0010-restore-rotates-epochs.md).
"""

from realtime.backups.archive import create, restore
from realtime.backups.epochs import rotate
from realtime.backups.errors import BackupError

__all__ = ["BackupError", "create", "restore", "rotate"]
