"""The simulated room: plausible, repeatable, and independent of the interval."""

import random
from itertools import pairwise
from statistics import mean, stdev

from dashboard.collection.simulator import DAY, HOUR, OrnsteinUhlenbeck, RoomSimulator

START = 1_795_219_200  # midnight UTC


def test_equal_seeds_and_times_give_equal_readings() -> None:
    one, other = RoomSimulator(7), RoomSimulator(7)
    times = range(START, START + 100)
    assert [one.collect(at) for at in times] == [other.collect(at) for at in times]
    assert RoomSimulator(8).collect(START) != RoomSimulator(7).collect(START)


def test_readings_are_those_of_a_room_and_do_not_jump() -> None:
    room = RoomSimulator(1)
    readings = [room.collect(START + second) for second in range(0, 2 * DAY, 10)]
    assert all(15 < reading["temperature"] < 28 for reading in readings)
    assert all(25 < reading["humidity"] < 75 for reading in readings)
    assert all(975 < reading["pressure"] < 1050 for reading in readings)
    for before, after in pairwise(readings):
        assert abs(after["temperature"] - before["temperature"]) < 0.5


def test_afternoons_are_warmer_than_early_mornings() -> None:
    room = RoomSimulator(3)
    by_hour: dict[int, list[float]] = {}
    for second in range(0, 10 * DAY, 300):
        value = room.collect(START + second)["temperature"]
        by_hour.setdefault(second % DAY // HOUR, []).append(value)
    assert mean(by_hour[15]) - mean(by_hour[3]) > 4


def test_the_noise_has_its_deviation_whatever_the_interval() -> None:

    for step in (1, 30, 600):
        noise = OrnsteinUhlenbeck(2.0, 60, random.Random(5))
        values = [noise.advance(step) for _ in range(60_000)]
        assert abs(stdev(values) - 2) < 0.3
        assert abs(mean(values)) < 0.5


def test_a_clock_set_back_is_survived() -> None:
    room = RoomSimulator(1)
    room.collect(START)
    assert room.collect(START - HOUR)
