"""Message catalogs: compiled by Babel, so that nobody needs gettext."""

from pathlib import Path

from .environment import python_of
from .report import Report


def prepare(root: Path, report: Report) -> None:
    """Compile every catalog whose text is newer than what was compiled from it.

    Raises:
        SetupError: a catalog is malformed.
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
