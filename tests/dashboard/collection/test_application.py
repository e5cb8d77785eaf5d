"""Pitwall's own metrics, from its processes' reports."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from dashboard.collection.application import ApplicationCollector
from realtime.process.gauges import ProcessReading

START = 1_795_303_126.0


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(START + seconds, UTC)


class Processes:
    """Processes whose reports the test sets; `collect(second)` reads them."""

    def __init__(self) -> None:
        self.reports: dict[str, ProcessReading] = {}
        self.collector = ApplicationCollector(
            7, snapshot=lambda: list(self.reports.values()), active_users=lambda workspace: 3
        )

    def report(self, name: str, second: float, started: float = -3600, **values: float) -> None:
        self.reports[name] = ProcessReading(name, moment(started), moment(second), values)

    def collect(self, second: float) -> Any:
        return self.collector.collect(START + second)


@pytest.fixture
def processes() -> Processes:
    return Processes()


def test_rates_and_means_are_those_of_all_processes_together(processes: Processes) -> None:
    processes.report("web-1", 0, commits=100, http_requests=10, http_seconds=1, http_errors=0)
    processes.report("web-2", 0, commits=900, http_requests=50, http_seconds=9, http_errors=5)
    assert processes.collect(0) == {"active_users": 3, "error_rate": 0.0}
    processes.report("web-1", 1, commits=104, http_requests=13, http_seconds=1.3, http_errors=0)
    processes.report("web-2", 1, commits=906, http_requests=51, http_seconds=9.1, http_errors=1 + 5)
    assert processes.collect(1) == {
        "active_users": 3,
        "transactions_per_second": pytest.approx(10),
        "response_time_ms": pytest.approx(100),
        "error_rate": pytest.approx(25),
    }


def test_reports_out_of_step_with_the_ticks_do_not_double_or_drop_a_rate(
    processes: Processes,
) -> None:
    processes.report("web", 0.9, commits=0)
    processes.collect(1)
    rates = []
    for second in range(2, 12):
        if second % 2:  # every other report is late and is seen one tick later
            processes.report("web", second - 0.1, commits=10.0 * (second - 1))
        rates.append(processes.collect(second).get("transactions_per_second"))
    assert [rate for rate in rates if rate is not None] == [pytest.approx(10)] * 9


def test_a_restarted_process_is_a_new_one_and_counts_from_zero(processes: Processes) -> None:
    processes.report("web-1", 0, commits=5000)
    processes.collect(0)
    del processes.reports["web-1"]
    processes.report("web-2", 2, started=1, commits=7)
    assert processes.collect(2)["transactions_per_second"] == pytest.approx(7)


def test_a_process_heard_of_for_the_first_time_does_not_bring_its_past(
    processes: Processes,
) -> None:
    processes.report("web-1", 0, commits=0)
    processes.collect(0)
    processes.report("old", 1, started=-3600, commits=99_999, http_requests=500, http_errors=500)
    processes.report("web-1", 1, commits=2)
    readings = processes.collect(1)
    assert readings["transactions_per_second"] == pytest.approx(2)
    assert readings["error_rate"] == 0


def test_no_request_is_no_response_time_and_no_error(processes: Processes) -> None:
    processes.report("web", 0)
    assert processes.collect(0) == {"active_users": 3, "error_rate": 0.0}


def test_no_process_at_all_is_no_value_rather_than_a_good_one(processes: Processes) -> None:
    assert processes.collect(0) == {"active_users": 3}


def test_requests_are_forgotten_after_a_minute(processes: Processes) -> None:
    processes.report("web", 0)
    processes.collect(0)
    processes.report("web", 1, http_requests=4, http_seconds=2, http_errors=1)
    assert processes.collect(1)["error_rate"] == 25
    assert processes.collect(60)["response_time_ms"] == 500
    assert processes.collect(61) == {
        "active_users": 3,
        "transactions_per_second": 0,
        "error_rate": 0.0,
    }
