"""Updating many rows, each with its own number, in one statement."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.database.bulk import set_numbers
from realtime.models import Stream

pytestmark = pytest.mark.django_db


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2**53), max_size=8))
def test_each_row_gets_its_own_number_and_no_other_is_touched(numbers: list[int]) -> None:
    Stream.objects.all().delete()
    names = [f"s{place}" for place in range(len(numbers))]
    rows = Stream.objects.bulk_create(Stream(workspace_id=1, name=name) for name in names)
    Stream.objects.create(workspace_id=1, name="other", head=7)
    set_numbers(Stream, "head", dict(zip((row.pk for row in rows), numbers, strict=True)))
    found = dict(Stream.objects.values_list("name", "head"))
    assert found == dict(zip(names, numbers, strict=True)) | {"other": 7}


def test_it_is_one_statement(django_assert_num_queries: Any) -> None:
    rows = Stream.objects.bulk_create(Stream(workspace_id=1, name=str(n)) for n in range(50))
    with django_assert_num_queries(1):
        set_numbers(Stream, "head", {row.pk: 1 for row in rows})
    with django_assert_num_queries(0):
        set_numbers(Stream, "head", {})
