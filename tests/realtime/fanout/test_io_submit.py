"""Writing one buffer to many sockets: each gets all of it, or is reported."""

import platform
import socket

import pytest

from realtime.fanout import io_submit
from realtime.fanout.io_submit import ParallelSubmitter, Submitter, UnsupportedError, submitter

SMALL = 1 << 14

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="Linux's system calls")


@pytest.fixture
def pairs():
    opened = []

    def open_pairs(count):
        for _ in range(count):
            ours, theirs = socket.socketpair()
            for side in (ours, theirs):
                side.setblocking(False)
                side.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
            opened.append((ours, theirs))
        return opened

    yield open_pairs
    for pair in opened:
        for side in pair:
            side.close()


@pytest.fixture(scope="module", params=[1, 3], ids=["one thread", "three threads"])
def kernel(request):
    return ParallelSubmitter(request.param)


def descriptors(pairs):
    return [ours.fileno() for ours, _ in pairs]


@pytest.mark.parametrize("count", [1, 2, 700])
def test_every_socket_gets_the_bytes_once(kernel, pairs, count):
    connected = pairs(count)
    assert kernel.write(descriptors(connected), b"one\0") == []
    assert kernel.write(descriptors(connected), b"two") == []
    assert {theirs.recv(100) for _, theirs in connected} == {b"one\0two"}


def test_more_sockets_than_one_call_takes_are_written_to(monkeypatch, pairs):
    monkeypatch.setattr(io_submit, "_CAPACITY", 8)
    connected = pairs(20)
    assert Submitter().write(descriptors(connected), b"tick") == []
    assert {theirs.recv(100) for _, theirs in connected} == {b"tick"}


def test_a_full_socket_takes_a_part_and_then_nothing(kernel, pairs):
    connected = pairs(600)
    data = bytes(range(256)) * 4096
    first = dict(kernel.write(descriptors(connected), data))
    assert sorted(first) == list(range(600))
    assert all(0 < taken < len(data) for taken in first.values())
    assert dict(kernel.write(descriptors(connected), data)) == dict.fromkeys(range(600), 0)
    for index, (_, theirs) in enumerate(connected):
        got = b""
        while len(got) < first[index]:
            got += theirs.recv(len(data))
        assert got == data[: first[index]]


def test_closed_and_broken_sockets_keep_nobody_else_from_getting_it(kernel, pairs):
    connected = pairs(600)
    numbers = descriptors(connected)
    for closed in (0, 299, 300, 599):
        connected[closed][0].close()
    connected[5][1].close()
    assert dict(kernel.write(numbers, b"tick")) == dict.fromkeys((0, 299, 300, 599, 5), 0)
    others = [pair for index, pair in enumerate(connected) if index not in (0, 5, 299, 300, 599)]
    assert {theirs.recv(100) for _, theirs in others} == {b"tick"}


def test_nothing_to_write_to_is_fine(kernel):
    assert kernel.write([], b"tick") == []


def test_a_system_without_it_is_told_apart(monkeypatch):
    submitter.cache_clear()
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(UnsupportedError):
        Submitter()
    assert submitter() is None
    submitter.cache_clear()


def test_a_system_that_refuses_it_is_told_apart(monkeypatch):
    """As in a container whose profile forbids these calls."""
    monkeypatch.setattr(io_submit, "_CALLS", {platform.machine(): (100_000, 100_000, 100_000)})
    with pytest.raises(UnsupportedError, match="not implemented"):
        Submitter()
