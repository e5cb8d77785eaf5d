"""Installs Debian packages that the checks need."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence

APT = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}


class MissingProgramError(Exception):
    """A program is missing and cannot be installed here. The message says what to do."""


def install(packages: Sequence[str], reason: str) -> None:
    """Install Debian packages, if running as root.

    Args:
        packages: names as apt knows them.
        reason: what they are for, as the subject of a sentence: "The browser tests".

    Raises:
        MissingProgramError: not root, not Debian, or apt failed.
    """
    names = " ".join(packages)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise MissingProgramError(
            f"{reason} need {names}: install them (apt install {names}) and retry."
        )
    print(f"Installing Debian packages: {names} ...", file=sys.stderr, flush=True)
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        result = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *arguments],
            env=APT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        # A stale index may still name packages that can be fetched: only the install decides.
        if result.returncode and arguments[0] == "install":
            last = (result.stderr.strip() or "no message").splitlines()[-1]
            raise MissingProgramError(f"{reason} need {names}, and apt cannot install them: {last}")
