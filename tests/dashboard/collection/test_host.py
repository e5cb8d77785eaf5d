"""The machine's metrics: with made-up readings, and with the real ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from dashboard.collection import cgroup, host
from dashboard.collection.host import HostCollector, Rate

MEGA = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Machine:
    """Readings of psutil, which a test changes between two runs."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.cpu = 12.5
        self.disks: Any = {"vda": (0, 0), "vda1": (0, 0), "loop0": (0, 0), "dm-0": (0, 0)}
        self.links: Any = {"eth0": (0, 0), "lo": (0, 0), "docker0": (0, 0), "veth12": (0, 0)}
        self.sensors: Any = {}

    def disk_io_counters(self, perdisk: bool) -> Any:
        return {
            name: SimpleNamespace(read_bytes=read, write_bytes=written)
            for name, (read, written) in self.disks.items()
        }

    def net_io_counters(self, pernic: bool) -> Any:
        return {
            name: SimpleNamespace(bytes_recv=received, bytes_sent=sent)
            for name, (received, sent) in self.links.items()
        }


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Machine:
    machine = Machine()
    memory = SimpleNamespace(percent=40.0, total=16 * 2**30)
    monkeypatch.setattr(psutil, "cpu_percent", lambda: machine.cpu)
    monkeypatch.setattr(psutil, "cpu_count", lambda: 8)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "disk_io_counters", machine.disk_io_counters)
    monkeypatch.setattr(psutil, "net_io_counters", machine.net_io_counters)
    monkeypatch.setattr(psutil, "sensors_temperatures", lambda: machine.sensors, raising=False)
    for device in ("vda", "loop0", "dm-0"):
        (tmp_path / "block" / device).mkdir(parents=True)
    monkeypatch.setattr(host, "BLOCK_DEVICES", tmp_path / "block")
    return machine


@pytest.fixture
def collector(machine: Machine, tmp_path: Path) -> HostCollector:
    collector = HostCollector(clock=machine.clock, cgroup_root=tmp_path)
    collector.collect(0)
    machine.clock.now += 2
    return collector


def test_what_needs_two_readings_is_not_there_on_the_first_run(
    machine: Machine, tmp_path: Path
) -> None:
    first = HostCollector(clock=machine.clock, cgroup_root=tmp_path).collect(0)
    assert first == {"memory_usage": 40.0}


def test_rates_are_per_second_and_the_same_bytes_are_counted_once(
    machine: Machine, collector: HostCollector
) -> None:
    moved = (3 * MEGA, 5 * MEGA)
    machine.disks = dict.fromkeys(machine.disks, moved)
    machine.links = dict.fromkeys(machine.links, moved)
    readings = collector.collect(1)
    assert readings["disk_io"] == pytest.approx(4.0)  # MB/s over two seconds
    assert readings["network_throughput"] == pytest.approx(32.0)  # Mbit/s
    assert readings["cpu_usage"] == 12.5


def test_a_counter_that_went_back_and_a_device_that_came_count_nothing(
    machine: Machine, collector: HostCollector
) -> None:
    machine.links = {"eth0": (10 * MEGA, 0)}
    collector.collect(1)
    machine.clock.now += 1
    machine.links = {"eth0": (0, MEGA), "wlan0": (500 * MEGA, 0)}
    assert collector.collect(2)["network_throughput"] == pytest.approx(8.0)


def test_the_hottest_processor_sensor_is_the_temperature(
    machine: Machine, collector: HostCollector
) -> None:
    machine.sensors = {
        "nvme": [SimpleNamespace(current=80.0)],
        "coretemp": [SimpleNamespace(current=51.0), SimpleNamespace(current=55.5)],
    }
    assert collector.collect(1)["temperature"] == 55.5


def test_what_a_platform_does_not_show_is_left_out(
    machine: Machine, collector: HostCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(**_: object) -> None:
        raise PermissionError("/proc/diskstats")

    monkeypatch.setattr(psutil, "disk_io_counters", hidden)
    monkeypatch.delattr(psutil, "sensors_temperatures")
    readings = collector.collect(1)
    assert "disk_io" not in readings
    assert readings["cpu_usage"] == 12.5


def test_a_machine_that_shows_nothing_at_all_is_an_error(
    machine: Machine, collector: HostCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hidden(*_: object, **__: object) -> None:
        raise OSError("/proc is not mounted")

    names = ("cpu_percent", "virtual_memory", "disk_io_counters", "net_io_counters")
    for name in (*names, "sensors_temperatures"):
        monkeypatch.setattr(psutil, name, hidden)
    with pytest.raises(RuntimeError, match="None of the machine's figures"):
        collector.collect(1)


def test_this_very_machine_gives_its_figures() -> None:
    collector = HostCollector()
    collector.collect(0)
    sum(range(200_000))
    readings = collector.collect(1)
    assert 0 <= readings["cpu_usage"] <= 100
    assert 0 < readings["memory_usage"] <= 100
    assert all(value >= 0 for value in readings.values())


def test_a_rate_needs_time_to_pass() -> None:
    rate = Rate()
    assert rate.of({"a": 1}, 5.0) is None
    assert rate.of({"a": 2}, 5.0) is None
    assert rate.of({"a": 6}, 7.0) == 2.0


# --- Containers ---------------------------------------------------------------------------------


def write_files(root: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")


V2 = {
    "cpu.max": "150000 100000",
    "cpu.stat": "usage_usec 5000000\nuser_usec 1",
    "memory.max": str(2**30),
    "memory.current": str(700 * 2**20),
    "memory.stat": f"anon 1\ninactive_file {188 * 2**20}",
}
V1 = {
    "cpu/cpu.cfs_quota_us": "150000",
    "cpu/cpu.cfs_period_us": "100000",
    "cpuacct/cpuacct.usage": "5000000000",
    "memory/memory.limit_in_bytes": str(2**30),
    "memory/memory.usage_in_bytes": str(700 * 2**20),
    "memory/memory.stat": f"cache 1\ntotal_inactive_file {188 * 2**20}",
}


@pytest.mark.parametrize("files", [V2, V1])
def test_limits_of_either_cgroup_version_are_read(tmp_path: Path, files: dict[str, str]) -> None:
    write_files(tmp_path, files)
    assert cgroup.read_cpu(tmp_path) == cgroup.Cpu(used_seconds=5.0, limit_cpus=1.5)
    assert cgroup.read_memory(tmp_path) == cgroup.Memory(used=512 * 2**20, limit=2**30)


@pytest.mark.parametrize(
    "files",
    [
        {},
        V2 | {"cpu.max": "max 100000", "memory.max": "max"},
        V1 | {"cpu/cpu.cfs_quota_us": "-1", "memory/memory.limit_in_bytes": "9223372036854771712"},
        {"cpu.max": "rubbish", "memory.max": "rubbish"},
    ],
)
def test_without_a_limit_there_is_nothing_to_measure_against(
    tmp_path: Path, files: dict[str, str]
) -> None:
    write_files(tmp_path, files)
    assert cgroup.read_cpu(tmp_path) is None
    assert cgroup.read_memory(tmp_path) is None


def test_in_a_container_usage_is_of_its_limits(machine: Machine, tmp_path: Path) -> None:
    write_files(tmp_path, V2)
    collector = HostCollector(clock=machine.clock, cgroup_root=tmp_path)
    assert collector.collect(0) == {"memory_usage": 50.0}
    machine.clock.now += 2
    (tmp_path / "cpu.stat").write_text("usage_usec 6500000\n")  # 1.5 of 3 CPU seconds
    assert collector.collect(2)["cpu_usage"] == pytest.approx(50.0)
