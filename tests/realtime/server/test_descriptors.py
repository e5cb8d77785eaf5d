"""Connections fit into the files that the process may have open."""

from hypothesis import given
from hypothesis import strategies as st

from realtime.server.descriptors import FOR_A_REQUEST, RESERVE, fit


@given(st.integers(256, 100_000), st.integers(1, 50_000), st.integers(1, 10_000))
def test_what_is_served_leaves_the_reserve(allowed, sockets, http):
    found = fit(allowed, sockets, http)
    assert found.sockets + FOR_A_REQUEST * found.http + RESERVE <= allowed
    assert 1 <= found.sockets <= sockets
    assert 1 <= found.http <= http


@given(st.integers(256, 100_000), st.integers(1, 50_000), st.integers(1, 10_000))
def test_it_is_said_exactly_if_something_does_not_fit(allowed, sockets, http):
    found = fit(allowed, sockets, http)
    assert bool(found.said) == ((found.sockets, found.http) != (sockets, http))
