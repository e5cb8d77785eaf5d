"""Message catalogues, compiled with Babel so that gettext is not required."""

from pathlib import Path

from .environment import python_of
from .report import Report


def prepare(root: Path, report: Report) -> None:
    """Compile every catalogue whose source is newer than its compiled file.

    Raises:
        SetupError: a catalogue is malformed.
    """
    for catalog in sorted(root.glob("locale/*/LC_MESSAGES/*.po")):
        compiled = catalog.with_suffix(".mo")
        if compiled.exists() and compiled.stat().st_mtime >= catalog.stat().st_mtime:
            continue
        failure = f"the translations in {catalog.relative_to(root)} do not compile."
        report.run(
            [
                *(python_of(root), "-m", "babel.messages.frontend", "compile"),
                *("--input-file", catalog, "--output-file", compiled),
                *("--locale", catalog.parent.parent.name),
            ],
            cwd=root,
            failure=failure,
            offline=failure,
        )
