"""Writes of the same bytes to many sockets in a few system calls: Linux AIO, io_submit(2).

A loop of `transport.write` spends more time in Python and in the event loop's queue than in the
kernel. Here the kernel goes through the list of sockets itself, without the interpreter lock, and
several threads share a long list. Sockets must be non-blocking: bytes that a socket does not take
at once are reported, and the caller must send them.

Structures and numbers: <linux/aio_abi.h>, io_submit(2), io_getevents(2).
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
from array import array
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from django.conf import settings

logger = logging.getLogger(__name__)

# io_setup, io_submit, io_getevents
_CALLS = {"x86_64": (206, 209, 208), "aarch64": (0, 2, 4)}
_PWRITEV = 8
_IOCB = 64
_EVENT = 32
# Requests per context. The system limits the total of all its programs (fs.aio-max-nr).
_CAPACITY = 512
# With fewer sockets than this, a thread costs more than it saves.
_WORTH_A_THREAD = 256


class UnsupportedError(Exception):
    """This system has no io_submit(2), or does not let us use it."""


class Submitter:
    """Writes with one thread. Not thread-safe: one call at a time.

    Raises:
        UnsupportedError: not Linux on a known processor, or refused by the system.
    """

    def __init__(self) -> None:
        self._setup, self._submit, self._getevents = _system_calls()
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._context = ctypes.c_ulong(0)
        if self._call(self._setup, ctypes.c_long(_CAPACITY), ctypes.byref(self._context)) != 0:
            raise UnsupportedError(f"io_setup: {os.strerror(ctypes.get_errno())}")
        # All requests point to one struct iovec {base, length}: only it changes with the data.
        self._vector = (ctypes.c_uint64 * 2)()
        self._requests = (ctypes.c_char * (_IOCB * _CAPACITY))()
        self._events = (ctypes.c_char * (_EVENT * _CAPACITY))()
        start = ctypes.addressof(self._requests)
        self._pointers = (ctypes.c_void_p * _CAPACITY)(
            *range(start, start + _IOCB * _CAPACITY, _IOCB)
        )
        self._fill()

    def _fill(self) -> None:
        """Fill in what never changes in the requests: their numbers, operations and vectors."""
        words = memoryview(self._requests).cast("B").cast("Q")
        words[0::8] = array("Q", range(_CAPACITY))
        words[3::8] = array("Q", [ctypes.addressof(self._vector)]) * _CAPACITY
        words[4::8] = array("Q", [1]) * _CAPACITY
        operations = memoryview(self._requests).cast("B").cast("H")
        operations[8::32] = array("H", [_PWRITEV]) * _CAPACITY
        self._descriptors = memoryview(self._requests).cast("B").cast("I")
        self._numbers = memoryview(self._events).cast("B").cast("Q")
        self._results = memoryview(self._events).cast("B").cast("q")

    def write(self, descriptors: Sequence[int], data: bytes) -> list[tuple[int, int]]:
        """Write `data` to each of these non-blocking sockets.

        Returns (index in `descriptors`, bytes taken) for each socket that did not take everything;
        0 bytes for one that is full, broken or closed.
        """
        short = []
        for start in range(0, len(descriptors), _CAPACITY):
            part = descriptors[start : start + _CAPACITY]
            short += [(start + index, taken) for index, taken in self._write(part, data)]
        return short

    def _write(self, descriptors: Sequence[int], data: bytes) -> list[tuple[int, int]]:
        count = len(descriptors)
        self._vector[0] = ctypes.cast(ctypes.c_char_p(data), ctypes.c_void_p).value or 0
        self._vector[1] = len(data)
        self._descriptors[5 : 16 * count : 16] = array("I", descriptors)
        refused = self._submit_all(count)
        completed = count - len(refused)
        if completed and self._wait(completed) != completed:
            raise OSError(ctypes.get_errno(), "io_getevents")
        results = self._results[2 : 4 * completed : 4].tolist()
        if results.count(len(data)) == completed:
            return refused
        numbers = self._numbers[0 : 4 * completed : 4].tolist()
        return refused + [
            (number, max(0, result))
            for number, result in zip(numbers, results, strict=True)
            if result != len(data)
        ]

    def _submit_all(self, count: int) -> list[tuple[int, int]]:
        """Submit the first `count` requests. Returns those that the kernel refused."""
        refused = []
        start = 0
        while start < count:
            pointers = ctypes.byref(self._pointers, start * 8)
            taken = self._call(self._submit, self._context, ctypes.c_long(count - start), pointers)
            if taken <= 0:
                # The first of them is at fault (a closed file descriptor, for example); go on with
                # the rest.
                refused.append((start, 0))
                taken = 1
            start += taken
        return refused

    def _wait(self, count: int) -> int:
        number = ctypes.c_long(count)
        return self._call(self._getevents, self._context, number, number, self._events, None)

    def _call(self, number: int, *arguments: object) -> int:
        return int(self._libc.syscall(ctypes.c_long(number), *arguments))


class ParallelSubmitter:
    """Splits a long list of sockets among threads; returns when all of them have written.

    Args:
        threads: the maximum at a time, including the caller's.
    """

    def __init__(self, threads: int) -> None:
        self._submitters = [Submitter() for _ in range(threads)]
        self._pool = ThreadPoolExecutor(max(1, threads - 1), "submission")

    def write(self, descriptors: Sequence[int], data: bytes) -> list[tuple[int, int]]:
        """Write `data` to each of these sockets; see Submitter.write."""
        parts = min(len(self._submitters), len(descriptors) // _WORTH_A_THREAD)
        if parts < 2:
            return self._submitters[0].write(descriptors, data)
        size = -(-len(descriptors) // parts)
        starts = range(0, len(descriptors), size)
        running = [
            self._pool.submit(submitter.write, descriptors[start : start + size], data)
            for submitter, start in zip(self._submitters[1:], starts[1:], strict=False)
        ]
        short = self._submitters[0].write(descriptors[:size], data)
        for start, future in zip(starts[1:], running, strict=True):
            short += [(start + index, taken) for index, taken in future.result()]
        return short


@cache
def submitter() -> ParallelSubmitter | None:
    """Return the submitter of this process, or None if the system has no io_submit(2)."""
    try:
        return ParallelSubmitter(settings.SEND_THREADS)
    except UnsupportedError as error:
        logger.info("Sockets are written to one by one: %s", error)
        return None


def _system_calls() -> tuple[int, int, int]:
    if platform.system() != "Linux" or platform.machine() not in _CALLS:
        raise UnsupportedError(f"no io_submit on {platform.system()} {platform.machine()}")
    return _CALLS[platform.machine()]
