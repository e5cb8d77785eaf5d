"""Processes started by the whole-server tests end with them, even if the tests are killed."""

import signal
from pathlib import Path

import psutil
import pytest

from tests.support.lifetimes import assert_gone, program, started_by, wait_until_ready

pytestmark = [pytest.mark.e2e, pytest.mark.services]

KINDS = {"redis-server", "serve", "--fd", "runworker", "chromium"}
TESTS = """
import sys
from pathlib import Path
from playwright.sync_api import sync_playwright
from tests.e2e import servers
from tests.e2e.browser import launched
from tests.support.redis_server import running_redis

folder = Path(sys.argv[1])
with (
    running_redis(folder),
    servers.production(folder, workers=("collectors",)) as server,
    sync_playwright() as playwright,
    launched(playwright) as browser,
):
    browser.new_page().goto(server.url)
    print("ready", flush=True)
    server.web.wait()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_servers_workers_and_browsers_end_with_the_tests_that_started_them(
    number: signal.Signals, tmp_path: Path
) -> None:
    with program("-c", TESTS, str(tmp_path)) as tests:
        wait_until_ready(tests)
        started = started_by(tests)
        kinds = {kind for process in started for kind in KINDS if kind in command_of(process)}
        assert kinds == KINDS
        tests.send_signal(number)
        assert_gone(started)


def command_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:  # a browser has short-lived processes
        return ""
