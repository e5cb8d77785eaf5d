"""CPU and memory of a container against its limits, if it has any.

Inside a container psutil reads the host's values, so that a container out of memory would show the
host's 20 %. Only the root of the mounted cgroup tree is read: in a container that is its own group;
on a plain host it has no limits, and nothing is read here.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

ROOT = Path("/sys/fs/cgroup")
# cgroup v1 reports "no limit" as a whole number of pages, near the top of 64 bits.
UNLIMITED = 1 << 60


class Cpu(NamedTuple):
    """CPU seconds used so far, and the limit as a number of CPUs."""

    used_seconds: float
    limit_cpus: float


class Memory(NamedTuple):
    """Bytes in use, without the droppable page cache, and the limit."""

    used: int
    limit: int


def read_cpu(root: Path = ROOT) -> Cpu | None:
    """Return the group's CPU time and limit; None if there is no limit to measure against."""
    return _cpu_v2(root) or _cpu_v1(root)


def read_memory(root: Path = ROOT) -> Memory | None:
    """Return the group's memory and limit; None if there is no limit to measure against."""
    return _memory_v2(root) or _memory_v1(root)


def _cpu_v2(root: Path) -> Cpu | None:
    words = _words(root / "cpu.max")
    used = _fields(root / "cpu.stat").get("usage_usec")
    if len(words) != 2 or words[0] == "max" or used is None:
        return None
    return Cpu(used / 1e6, int(words[0]) / int(words[1]))


def _cpu_v1(root: Path) -> Cpu | None:
    quota = _number(root / "cpu" / "cpu.cfs_quota_us")
    period = _number(root / "cpu" / "cpu.cfs_period_us")
    used = _number(root / "cpuacct" / "cpuacct.usage")
    if quota is None or quota <= 0 or not period or used is None:
        return None
    return Cpu(used / 1e9, quota / period)


def _memory_v2(root: Path) -> Memory | None:
    limit, used = _number(root / "memory.max"), _number(root / "memory.current")
    if limit is None or used is None:
        return None
    cache = _fields(root / "memory.stat").get("inactive_file", 0)
    return Memory(max(0, used - cache), limit)


def _memory_v1(root: Path) -> Memory | None:
    group = root / "memory"
    limit = _number(group / "memory.limit_in_bytes")
    used = _number(group / "memory.usage_in_bytes")
    if limit is None or limit >= UNLIMITED or used is None:
        return None
    cache = _fields(group / "memory.stat").get("total_inactive_file", 0)
    return Memory(max(0, used - cache), limit)


def _words(path: Path) -> list[str]:
    try:
        return path.read_text().split()
    except OSError:
        return []


def _number(path: Path) -> int | None:
    words = _words(path)
    try:
        return int(words[0]) if words else None
    except ValueError:
        return None


def _fields(path: Path) -> dict[str, int]:
    """Parse a file of `name number` lines."""
    words = _words(path)
    pairs = zip(words[::2], words[1::2], strict=False)
    return {name: int(number) for name, number in pairs if number.isdecimal()}
