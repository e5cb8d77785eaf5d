"""Clients that apply their frames have the server's book, despite lost or late updates."""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from realtime.streams.book_state import MAX_WAITING, BookState, BookUpdate
from tests.realtime.toy_book import ClientBook, ToyBook


@pytest.mark.parametrize(
    ("levels", "checksum"),
    [
        ({("ask", 10001): 5, ("ask", 10002): 12, ("bid", 10000): 3, ("bid", 9999): 40}, 813046972),
        ({}, 2343686810),
    ],
)
def test_the_toy_book_has_the_checksums_of_the_protocol(levels: Any, checksum: int) -> None:
    assert ToyBook("ACME", 1, levels).checksum() == checksum


def loaded(levels: int, sequence: int = 0) -> BookState:
    state = BookState()
    state.take_over(ToyBook("ACME", sequence, {("ask", price): 1 for price in range(levels)}))
    return state


def update(first: int, last: int, *changes: tuple[str, int, int]) -> BookUpdate:
    return BookUpdate(first, last, changes)


def test_what_changed_and_changed_back_is_told_with_what_it_is_now() -> None:
    state = loaded(3)
    for sequence, quantity in enumerate((5, 0, 1), 1):
        state.receive(update(sequence, sequence, ("ask", 2, quantity)))
    frame = json.loads(state.since(0))
    assert (frame["first_sequence"], frame["last_sequence"]) == (1, 3)
    assert (frame["bids"], frame["asks"]) == ([], [["0.02", "1"]])


def test_an_update_may_hold_no_level() -> None:
    state = loaded(1)
    assert state.receive(update(1, 1))
    told, [frame] = state.take_frames()
    assert told == 0
    assert json.loads(frame)["asks"] == []
    assert json.loads(state.since(0))["last_sequence"] == 1


def test_who_lags_so_far_that_a_snapshot_is_smaller_gets_a_snapshot() -> None:
    state = loaded(5)
    for sequence in range(1, 6):
        state.receive(update(sequence, sequence, ("bid", sequence, 1)))
    assert json.loads(state.since(0))["type"] == "book_update"
    state.receive(update(6, 6, *(("ask", price, 0) for price in range(4))))
    assert json.loads(state.since(0))["type"] == "book_snapshot", "9 changes, 6 levels"
    assert len(json.loads(state.since(5))["asks"]) == 4


def test_no_more_changes_are_remembered_than_the_book_has_levels() -> None:
    state = loaded(20)
    for sequence in range(1, 2000):
        changes = [("bid", 1_000_000 + sequence, 1), ("bid", 1_000_000 + sequence - 1, 0)]
        state.receive(update(sequence, sequence, *changes))
        state.take_frames()
    assert len(state._changed) <= 21


def test_what_waits_for_a_book_to_be_loaded_is_bounded() -> None:
    state = BookState()
    for sequence in range(1, MAX_WAITING + 50):
        assert not state.receive(update(sequence, sequence))
    assert len(state._waiting) == MAX_WAITING
    assert not state.take_over(ToyBook("ACME", 3)), "the first are gone: it has to be loaded again"
    assert state.take_over(ToyBook("ACME", MAX_WAITING + 49))


def test_a_difference_that_is_loaded_is_one_update_for_those_who_kept_up() -> None:
    state = loaded(3)
    assert not state.receive(update(5, 5, ("ask", 0, 9)))
    newer = ToyBook("ACME", 5, {("ask", 0): 9, ("ask", 2): 1, ("bid", 1): 4})
    assert state.take_over(newer)
    told, [frame] = state.take_frames()
    found = json.loads(frame)
    assert (told, found["first_sequence"], found["last_sequence"]) == (0, 1, 5)
    assert sorted(found["asks"]) == [["0.00", "9"], ["0.01", "0"]]
    assert found["bids"] == [["0.01", "4"]]


def test_a_book_that_was_loaded_too_early_takes_nothing_back() -> None:
    state = loaded(3)
    state.receive(update(1, 1, ("ask", 0, 9)))
    assert state.take_over(ToyBook("ACME", 0, {("ask", 0): 1}))
    assert state.sequence == 1
    assert len(state.take_frames()[1]) == 1


class Follower:
    """A client, and the sequence at which it started to lag; None while it keeps up."""

    def __init__(self) -> None:
        self.book = ClientBook()
        self.lags = True
        self.sequence: int | None = None


CHANGE = st.tuples(st.sampled_from(["bid", "ask"]), st.integers(1, 12), st.integers(0, 3))


class FollowersOfABook(RuleBasedStateMachine):
    """A venue, a process that gets its updates through a lossy layer, and the process's clients."""

    def __init__(self) -> None:
        super().__init__()
        self.venue = ToyBook("ACME", 41, {("ask", 5): 1, ("bid", 4): 2})
        self.state = BookState()
        self.state.take_over(self._load())
        self.followers: list[Follower] = []
        self.is_behind = False

    under_way = Bundle("under_way")

    @rule(target=under_way, changes=st.lists(CHANGE, max_size=4), commands=st.integers(1, 3))
    def change(self, changes: list[Any], commands: int) -> BookUpdate:
        """Commit commands together and publish them as one update, which the layer may lose."""
        first = self.venue.sequence + 1
        self.venue.apply(changes, self.venue.sequence + commands)
        levels = {(side, price) for side, price, _ in changes}
        now = [(*level, self.venue.quantities.get(level, 0)) for level in sorted(levels)]
        return BookUpdate(first, self.venue.sequence, now)

    @rule(update=under_way)
    def arrive(self, update: BookUpdate) -> None:
        """Deliver an update in any order, repeatedly, or never."""
        if not self.state.receive(update):
            self.is_behind = True

    @rule()
    def load(self) -> None:
        """Load the book, because something was missing or a poll noticed it."""
        self.is_behind = not self.state.take_over(self._load())

    @rule()
    def come(self) -> None:
        self.followers.append(Follower())

    @rule(which=st.integers(0, 10))
    def come_back(self, which: int) -> None:
        """Replace a client whose connection was lost by a new one."""
        if self.followers:
            self.followers[which % len(self.followers)] = Follower()

    @rule(lagging=st.sets(st.integers(0, 4)))
    def flush(self, lagging: set[int]) -> None:
        """Write updates to the clients that keep up. Those in `lagging` cannot take them."""
        told, frames = self.state.take_frames()
        for number, follower in enumerate(self.followers):
            if follower.lags:
                continue
            if number in lagging and frames:
                follower.lags, follower.sequence = True, told
                continue
            for frame in frames:
                follower.book.take(json.loads(frame))
            self._is_the_book_of_the_process(follower)

    @rule(which=st.integers(0, 10))
    def catch_up(self, which: int) -> None:
        """Let a client take data again: after one frame, it has everything."""
        self.flush(set())
        if self.followers and (follower := self.followers[which % len(self.followers)]).lags:
            follower.book.take(json.loads(self.state.since(follower.sequence)))
            follower.lags = False
            self._is_the_book_of_the_process(follower)

    @invariant()
    def nothing_grows(self) -> None:
        assert len(self.state._changed) <= 24

    @invariant()
    def who_has_all_has_the_book_of_the_venue(self) -> None:
        if self.state.sequence == self.venue.sequence:
            frame = json.loads(self.state.since(None))
            client = ClientBook()
            client.take(frame)
            assert client.equals(self.venue)

    def _load(self) -> ToyBook:
        return self.venue.copy()

    def _is_the_book_of_the_process(self, follower: Follower) -> None:
        assert follower.book.sequence == self.state.sequence
        book = self.state._book
        assert isinstance(book, ToyBook)
        assert follower.book.equals(book)

    def teardown(self) -> None:
        """Load the book one last time: then all clients have everything."""
        self.load()
        for number in range(len(self.followers)):
            self.catch_up(number)
            assert self.followers[number].book.equals(self.venue)


TestFollowersOfABook = FollowersOfABook.TestCase


@given(st.lists(st.lists(CHANGE, max_size=5), max_size=20))
def test_from_any_sequence_one_frame_leads_to_the_present(commands: list[list[Any]]) -> None:
    state = BookState()
    venue = ToyBook("ACME", 7, {("ask", 5): 1})
    state.take_over(venue.copy())
    clients = []
    for changes in commands:
        client = ClientBook()
        client.take(json.loads(state.since(None)))
        clients.append(client)
        sequence = venue.sequence + 1
        venue.apply(changes, sequence)
        state.receive(BookUpdate(sequence, sequence, changes))
    for client in clients:
        client.take(json.loads(state.since(client.sequence)))
        assert client.equals(venue)
