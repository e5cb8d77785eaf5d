"""Node.js for the peers written in JavaScript: the machine's own, or the set-up's."""

from __future__ import annotations

import functools
import subprocess
import sys

from benchmarks.support.once import one_at_a_time
from benchmarks.support.processes import ROOT
from tools.lifetimes import tied

sys.path.insert(0, str(ROOT / "tools"))

from bootstrapping import node as found_node
from bootstrapping.report import Report, SetupError

PEERS = ROOT / "benchmarks" / "peers"


class NoNodeError(Exception):
    """There is no Node.js, or its packages cannot be installed; the message says why."""


@functools.cache
def commands() -> found_node.NodeCommands:
    """Install the peers' pinned packages, and return the commands for node and npm.

    Raises:
        NoNodeError: there is no Node.js, or the packages cannot be installed.
    """
    with one_at_a_time("node"):
        return _commands()


def _commands() -> found_node.NodeCommands:
    try:
        found = found_node.find(ROOT, Report(ROOT / "var" / "setup.log"))
    except SetupError as error:
        raise NoNodeError(str(error)) from error
    lock = PEERS / "package-lock.json"
    installed = PEERS / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(
            tied([*found.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]),
            cwd=PEERS,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoNodeError(f"npm cannot install the peers: {done.stderr.strip()[-300:]}")
    return found
