"""Times as clients write them, and as they are stored."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.samples import instants

MOMENT = 1_795_303_126_123_456


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1)))
def test_no_microsecond_is_lost_on_the_way_in_and_out(naive: datetime) -> None:
    moment = naive.replace(tzinfo=UTC)
    at = instants.from_datetime(moment)
    assert instants.to_datetime(at) == moment
    assert instants.parse(instants.rfc3339(at)) == at


@pytest.mark.parametrize(
    "written",
    [
        instants.rfc3339(MOMENT),
        "2026-11-21T23:18:46.123456+00:00",
        "2026-11-22T01:18:46.123456+02:00",
        "2026-11-21t23:18:46.123456z",
        1795303126.123456,
    ],
)
def test_a_time_may_be_written_in_several_ways(written: object) -> None:
    assert instants.parse(written) == MOMENT


@pytest.mark.parametrize(
    "written",
    [
        "yesterday",
        "2026-11-21T23:18:46",  # no offset: in which time zone?
        "1969-12-31T00:00:00Z",
        "2026-11-21T23:18:46Z" * 3,
        -1,
        float("nan"),
        float("inf"),
        1795303126123,  # milliseconds
        10**30,
        True,
        None,
        [],
    ],
)
def test_what_is_no_time_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        instants.parse(written)
