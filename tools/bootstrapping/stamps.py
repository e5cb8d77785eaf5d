"""Fingerprints of a step's inputs, kept to tell whether the step is due again."""

import hashlib
from collections.abc import Iterable
from pathlib import Path


def fingerprint(paths: Iterable[Path], *extra: str) -> str:
    """Return a hash over the names and contents of `paths` and over the strings in `extra`."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        digest.update(f"{path}\0{len(content)}\0".encode())
        digest.update(content)
    for text in extra:
        digest.update(f"{text}\0".encode())
    return digest.hexdigest()


def is_current(stamp: Path, value: str) -> bool:
    """Tell whether the step that wrote `stamp` last succeeded with the same inputs."""
    try:
        return stamp.read_text() == value
    except OSError:
        return False


def write(stamp: Path, value: str) -> None:
    """Record that the step succeeded with these inputs."""
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(value)
