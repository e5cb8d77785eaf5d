"""Print the path of a Chromium for the browser tests; installs Debian's if there is none.

Standard library only. `PITWALL_CHROMIUM` names one explicitly.
"""

import os
import shutil
import sys

import debian

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


def find() -> str:
    """Return the path of a Chromium or Chrome.

    Raises:
        debian.MissingProgramError: there is none and it cannot be installed.
    """
    if named := os.environ.get("PITWALL_CHROMIUM"):
        return named
    path = _installed()
    if path is None:
        debian.install(["chromium"], "The browser tests")
        path = _installed()
    if path is None:
        raise debian.MissingProgramError(
            "The browser tests need Chromium: set PITWALL_CHROMIUM to its path."
        )
    return path


def _installed() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    try:
        print(find())
    except debian.MissingProgramError as error:
        sys.exit(f"Pitwall: {error}")
