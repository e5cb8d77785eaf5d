"""Progress lines for people, and one log file for the details."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

NO_NETWORK_SIGNS = (
    "Temporary failure in name resolution",
    "Name or service not known",
    "Failed to establish a new connection",
    "NewConnectionError",
    "Network is unreachable",
    "Connection refused",
    "Max retries exceeded",
    "Read timed out",
    "ProxyError",
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ENETUNREACH",
    "ETIMEDOUT",
)


def for_owner_only(path: str, flags: int) -> int:
    """Open a file of the data folder, closed to others; an `opener` of open()."""
    return os.open(path, flags, 0o600)


class SetupError(Exception):
    """A step cannot continue. The message is one line that says what to do."""


class Report:
    """Prints brief progress, and keeps the output of commands in `log_path`.

    The log holds the latest run that did any work.
    """

    def __init__(self, log_path: Path) -> None:
        self.log_path = log_path
        self._started = False

    def progress(self, line: str) -> None:
        """Print one line of progress."""
        print(line, flush=True)

    def run(
        self,
        command: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path,
        failure: str,
        offline: str,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Run a command with its output in the log.

        Args:
            command: program and arguments; stdin is not the terminal.
            cwd: folder to run it in.
            failure: message if it fails; the log's name is appended.
            offline: message instead if its output suggests that the network is missing.
            environment: variables on top of this process's own.

        Raises:
            SetupError: the command could not be started or returned an error.
        """
        with open(self.log_path, "ab" if self._started else "wb", opener=for_owner_only) as log:
            self._started = True
            log.write(f"$ {' '.join(map(str, command))}\n".encode())
            log.flush()
            before = log.tell()
            try:
                result = subprocess.run(
                    [str(part) for part in command],
                    cwd=cwd,
                    env={**os.environ, **(environment or {})},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    check=False,
                )
            except OSError as error:
                raise SetupError(f"{failure} ({error}).") from error
        if result.returncode:
            said = self.log_path.read_bytes()[before:].decode(errors="replace")
            cause = offline if any(sign in said for sign in NO_NETWORK_SIGNS) else failure
            raise SetupError(f"{cause} Details: {self.log_path}")
