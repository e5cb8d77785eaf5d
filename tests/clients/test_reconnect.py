"""Reconnecting: after which closes the client reconnects, and when."""

import random

import pytest
from pitwall_client import reconnect


@pytest.mark.parametrize("code", [1000, 1003, 1007, 1008, 1009, 4500, 4777, 4999])
def test_final_close_codes_end_the_client(code: int) -> None:
    assert reconnect.is_final(code)


@pytest.mark.parametrize("code", [None, 1001, 1006, 1011, 1013, 4000, 4008, 4012, 4013, 4499])
def test_other_ends_are_followed_by_another_attempt(code: int | None) -> None:
    assert not reconnect.is_final(code)


def test_the_ceiling_doubles_from_half_a_second_up_to_twenty() -> None:
    ceilings = [reconnect.delay(n, None, lambda low, high: high) for n in range(8)]
    assert ceilings == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_days_of_failures_do_not_overflow() -> None:
    assert reconnect.delay(100_000, None, lambda low, high: high) == 20


def test_jitter_is_full() -> None:
    source = random.Random(7)
    delays = [reconnect.delay(6, None, source.uniform) for _ in range(2_000)]
    assert min(delays) < 0.2
    assert max(delays) > 19.8


def test_the_servers_wish_is_a_floor_with_jitter_on_top() -> None:
    source = random.Random(7)
    delays = [reconnect.delay(0, 5.0, source.uniform) for _ in range(200)]
    assert all(5.0 <= delay <= 5.5 for delay in delays)
    assert len(set(delays)) > 100
