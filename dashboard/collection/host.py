"""Collector of the worker's host: processor, memory, disk, network, temperature (psutil).

- `cpu_usage`, `memory_usage`: percent; of the container's limits if it has any (cgroup.py).
- `disk_io`: MB/s (10^6 bytes) read and written on physical disks. Excludes partitions, loop, RAM
  and device-mapper devices, which would count the same bytes again.
- `network_throughput`: Mbit/s in and out over all interfaces. Excludes loopback and the virtual
  ends of containers' and bridges' links, which would count the same bytes again.
- `temperature`: °C of the hottest processor sensor, if the machine has one.

Rates need two readings: the first run has none, nor has a device whose counter went back. Values
that a platform cannot read are omitted; the run fails only if nothing can be read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil
from django.utils.translation import gettext_lazy as _

from dashboard.collection import cgroup
from dashboard.source_kinds import Kind, MetricSpec, Readings, SourceFacts, register

BLOCK_DEVICES = Path("/sys/block")
_SAME_BYTES_AGAIN_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd")
_SAME_BYTES_AGAIN_LINKS = ("lo", "veth", "docker", "br-", "virbr", "cni", "flannel", "cali", "ifb")
_PROCESSOR_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "soc_thermal", "acpitz")
MEGA = 1e6
BITS = 8

METRICS = (
    MetricSpec("cpu_usage", "CPU usage", "system", "%"),
    MetricSpec("memory_usage", "Memory usage", "system", "%"),
    MetricSpec("disk_io", "Disk I/O", "system", "MB/s", 2),
    MetricSpec("network_throughput", "Network throughput", "system", "Mbit/s", 2),
    MetricSpec("temperature", "Temperature", "custom", "°C"),
)


class Rate:
    """Growth per second of counters by name; ignores counters that are new or went back."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._counters: dict[str, float] = {}

    def of(self, counters: Mapping[str, float], at: float) -> float | None:
        """Return the growth per second of all counters since the last call, None on the first.

        `at` is in seconds of any clock that does not go back.
        """
        before, since = self._counters, self._at
        self._counters, self._at = dict(counters), at
        if since is None or at <= since:
            return None
        grown = (value - before[name] for name, value in counters.items() if name in before)
        return sum(growth for growth in grown if growth > 0) / (at - since)


class HostCollector:
    """Collects the module's metrics; `clock` is monotonic, in seconds."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, cgroup_root: Path = cgroup.ROOT
    ) -> None:
        self._clock = clock
        self._cgroup_root = cgroup_root
        self._disk, self._network, self._cpu = Rate(), Rate(), Rate()
        self._cpu_primed = False

    def collect(self, at: float) -> Readings:
        values = dict(self._read())
        if not values:
            raise RuntimeError("None of the machine's figures can be read.")
        return values

    def _read(self) -> Iterator[tuple[str, float]]:
        readers: tuple[tuple[str, Callable[[], float | None]], ...] = (
            ("cpu_usage", self._cpu_usage),
            ("memory_usage", self._memory_usage),
            ("disk_io", self._disk_io),
            ("network_throughput", self._network_throughput),
            ("temperature", _temperature),
        )
        for name, read in readers:
            try:
                value = read()
            except (OSError, psutil.Error, NotImplementedError, AttributeError, ValueError):
                continue  # not available on this platform or in this sandbox
            if value is not None:
                yield name, value

    def _cpu_usage(self) -> float | None:
        group = cgroup.read_cpu(self._cgroup_root)
        if group is None or group.limit_cpus >= (psutil.cpu_count() or 1):
            # Measures since the last call in this thread: the first value is meaningless.
            percent = psutil.cpu_percent()
            primed, self._cpu_primed = self._cpu_primed, True
            return percent if primed else None
        used = self._cpu.of({"cpu": group.used_seconds}, self._clock())
        return None if used is None else min(100.0, 100 * used / group.limit_cpus)

    def _memory_usage(self) -> float:
        host = psutil.virtual_memory()
        group = cgroup.read_memory(self._cgroup_root)
        if group is None or group.limit >= host.total:
            return float(host.percent)
        return min(100.0, 100 * group.used / group.limit)

    def _disk_io(self) -> float | None:
        disks = psutil.disk_io_counters(perdisk=True) or {}
        counters = {
            name: disk.read_bytes + disk.write_bytes
            for name, disk in disks.items()
            if _is_physical_disk(name)
        }
        rate = self._disk.of(counters, self._clock())
        return None if rate is None or not counters else rate / MEGA

    def _network_throughput(self) -> float | None:
        links = psutil.net_io_counters(pernic=True) or {}
        counters = {
            f"{name} {way}": count
            for name, link in links.items()
            if not name.startswith(_SAME_BYTES_AGAIN_LINKS)
            for way, count in (("in", link.bytes_recv), ("out", link.bytes_sent))
        }
        rate = self._network.of(counters, self._clock())
        return None if rate is None or not counters else rate * BITS / MEGA


def _is_physical_disk(name: str) -> bool:
    if name.startswith(_SAME_BYTES_AGAIN_DISKS):
        return False
    # Linux lists whole disks here; elsewhere psutil names no partitions.
    return not BLOCK_DEVICES.exists() or (BLOCK_DEVICES / name.replace("/", "!")).exists()


def _temperature() -> float | None:
    sensors = psutil.sensors_temperatures()
    for chip in _PROCESSOR_SENSORS:
        readings = [reading.current for reading in sensors.get(chip, []) if reading.current]
        if readings:
            return float(max(readings))
    return None


def _make(facts: SourceFacts) -> HostCollector:
    return HostCollector()


register(Kind("host", _("This host"), METRICS, _make))
