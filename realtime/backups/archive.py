"""The archive: a compressed tar of a manifest, the database dump and the uploaded files."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

from django.conf import settings
from django.db import connection

from realtime.backups import postgresql, sqlite
from realtime.backups.errors import BackupError

FORMAT = 1
MANIFEST = "manifest.json"
DATABASE = "database"
FILES = "files"
_KINDS: dict[str, ModuleType] = {"sqlite": sqlite, "postgresql": postgresql}


def create(target: Path) -> int:
    """Write a backup of this installation to a new file, readable only by its owner.

    It holds the database and settings.BACKUP_FOLDERS. The installation may keep running: the
    database is dumped first, so that every file that it names exists.

    Returns the number of files, not counting the database.

    Raises:
        BackupError: the target already exists, or something cannot be read or written.
    """
    if target.exists():
        raise BackupError(f"{target} exists already: a backup never replaces another.")
    part = target.with_name(f"{target.name}.part")
    try:
        with _folder(target.parent) as folder:
            dumped = folder / DATABASE
            _KINDS[connection.vendor].dump(connection.settings_dict, dumped)
            with _new_file(part) as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
                _add_manifest(archive)
                archive.add(dumped, DATABASE)
                count = sum(_add_folder(archive, source) for source in _folders())
        part.rename(target)
    except OSError as error:
        raise BackupError(f"The backup cannot be written: {error}.") from error
    finally:
        part.unlink(missing_ok=True)
    return count


def restore(source: Path) -> int:
    """Restore this installation from a backup; every stream gets a new epoch.

    Files uploaded after the backup stay on disk, but nothing refers to them any more.

    Returns the number of files, not counting the database.

    Raises:
        BackupError: the source is not a backup, is of another kind of database, or cannot be
            restored.
    """
    try:
        with tarfile.open(source) as archive, _folder(None) as folder:
            kind = _read_manifest(archive, source)
            if kind != connection.vendor:
                raise BackupError(
                    f"{source} holds a {kind} database; this installation has {connection.vendor}."
                )
            dumped = folder / DATABASE
            _extract(archive, archive.getmember(DATABASE), dumped)
            connection.close()
            count = _restore_folders(archive)
            _KINDS[kind].load(connection.settings_dict, dumped)
    except (tarfile.TarError, KeyError, ValueError, EOFError) as error:
        raise BackupError(f"{source} is no backup of Pitwall: {error}.") from error
    except OSError as error:
        raise BackupError(f"The backup cannot be restored: {error}.") from error
    return count


def _folders() -> list[Path]:
    return [Path(folder) for folder in settings.BACKUP_FOLDERS]


@contextmanager
def _folder(beside: Path | None) -> Iterator[Path]:
    """Yield a temporary folder for its owner only, in `beside` (None: the system's default)."""
    with tempfile.TemporaryDirectory(prefix=".pitwall-backup-", dir=beside) as name:
        yield Path(name)


@contextmanager
def _new_file(path: Path) -> Iterator[io.BufferedWriter]:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _add_manifest(archive: tarfile.TarFile) -> None:
    manifest = {
        "format": FORMAT,
        "version": settings.VERSION,
        "database": connection.vendor,
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    content = json.dumps(manifest, indent=1).encode()
    member = tarfile.TarInfo(MANIFEST)
    member.size, member.mtime, member.mode = len(content), int(time.time()), 0o600
    archive.addfile(member, io.BytesIO(content))


def _read_manifest(archive: tarfile.TarFile, source: Path) -> str:
    """Return the kind of database in the archive."""
    file = archive.extractfile(MANIFEST)
    manifest: dict[str, Any] = json.load(file) if file is not None else {}
    if manifest.get("format") != FORMAT:
        raise BackupError(f"{source} was made by another version of Pitwall.")
    return str(manifest["database"])


def _add_folder(archive: tarfile.TarFile, folder: Path) -> int:
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            with suppress(FileNotFoundError):  # deleted in the meantime
                archive.add(path, f"{FILES}/{folder.name}/{path.relative_to(folder).as_posix()}")
                count += 1
    return count


def _restore_folders(archive: tarfile.TarFile) -> int:
    by_name = {folder.name: folder for folder in _folders()}
    count = 0
    for member in archive.getmembers():
        top, *rest = PurePosixPath(member.name).parts
        if top != FILES or not member.isfile():
            continue
        name, *inner = rest
        if name not in by_name or not inner or ".." in inner:
            raise BackupError(f"The backup holds {member.name!r}, which has no place here.")
        _extract(archive, member, by_name[name].joinpath(*inner))
        count += 1
    return count


def _extract(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    """Extract one file of the archive, completely or not at all."""
    content = archive.extractfile(member)
    if content is None:
        raise BackupError(f"The backup holds {member.name!r}, which is no file.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    try:
        with open(part, "wb") as file:
            shutil.copyfileobj(content, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
