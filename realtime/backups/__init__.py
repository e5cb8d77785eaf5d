"""Backups: one archive with the database and the uploaded files, and the way back from it.

Restoring gives every log stream a new epoch: offsets given anew would look to clients like events
that they have had, and they would skip them (docs/adr/0010-restore-rotates-epochs.md).
"""

from realtime.backups.archive import create, restore
from realtime.backups.epochs import rotate
from realtime.backups.errors import BackupError

__all__ = ["BackupError", "create", "restore", "rotate"]
