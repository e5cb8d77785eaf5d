"""The dashboard as a user sees it, from the sign-in form to the live values."""

import json
import re
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from . import servers
from .browser import DESKTOP, PHONE, Complaints, Frames, accessibility_violations, wait_until
from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def value_of(page: Page, metric: str) -> str:
    return page.locator(f"[data-metric={metric}] .metric-val").inner_text()


def push(server: Server, samples: list[dict[str, object]]) -> None:
    request = urllib.request.Request(
        f"{server.url}/api/v1/samples/",
        json.dumps({"samples": samples}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {server.token()}"},
    )
    with urllib.request.urlopen(request, timeout=servers.ANSWERS_WITHIN) as answer:
        assert answer.status == 201


def expect_live(page: Page) -> None:
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")


def test_after_signing_in_the_dashboard_shows_cpu_usage_as_it_is_pushed(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server)
    frames = Frames.of(page)
    page.reload()
    expect_live(page)
    expect(page.locator("[data-metric=cpu_usage] .metric-val")).to_have_text(re.compile(r"\d"))
    # Waiting for a change would not do: on a fully loaded machine the value is always 100.
    shown: dict[str, bool] = {}

    def shows_three_in_a_row() -> bool:
        if newest := frames.newest("realtime_metrics", '"cpu_usage"'):
            frame = json.loads(newest)
            pushed, at = frame["metrics"]["system"]["cpu_usage"], frame["timestamp"]
            is_shown = f"{pushed:.1f}" == value_of(page, "cpu_usage").removesuffix("%")
            shown[at] = shown.get(at, False) or is_shown
        return len(shown) >= 3 and all(list(shown.values())[-3:])

    wait_until(page, shows_three_in_a_row, what="three values as they were pushed")
    expect(page.locator("[data-latency]")).to_have_text(re.compile(r"^\d+ ms$"))


def test_while_paused_the_server_sends_no_metrics_to_this_page(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server)
    frames = Frames.of(page)
    page.reload()
    expect_live(page)
    wait_until(page, lambda: frames.count("realtime_metrics") >= 2, what="live frames")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-note=paused]")).to_be_visible()
    wait_until(
        page,
        lambda: frames.count("unsubscription_confirmed") == 1,
        what="the server's word that it stopped",
    )
    before = frames.count("realtime_metrics")
    page.wait_for_timeout(3_000)
    assert frames.count("realtime_metrics") == before
    page.locator(".pause-button").click()
    expect(page.locator("[data-note=paused]")).to_have_count(0)
    wait_until(
        page,
        lambda: frames.count("realtime_metrics") > before + 1,
        what="live frames again",
    )


def test_a_link_to_a_moment_shows_that_chart_as_it_was_then(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server)
    then = (datetime.now(UTC) - timedelta(minutes=40)).replace(microsecond=0)
    seconds = [then + timedelta(seconds=number) for number in range(-60, 61)]
    samples = [
        {
            "metric": "oil_temperature",
            "value": 90 + (0 if at == then else 5),
            "timestamp": at.isoformat(),
        }
        for at in seconds
    ] + [{"metric": "oil_temperature", "value": 42}]
    push(server, samples)
    page.goto(f"{server.url}/dashboards/?metric=oil_temperature&at={then:%Y-%m-%dT%H:%M:%SZ}")
    expect(page.locator("[data-metric]")).to_have_count(1)
    expect(page.locator("[data-note=paused]")).to_be_visible()
    expect(page.locator(".chart-panel .key .fig")).to_have_text("90")
    expect(page.locator("[data-metric=oil_temperature] .metric-val")).to_have_text(re.compile("^9"))
    assert page.locator(".time-pill").inner_text() == f"{then:%H:%M:%S}", "the crosshair is there"
    page.locator(".pause-button").click()
    expect(page.locator("[data-metric=oil_temperature] .metric-val")).to_have_text("42")


def test_two_quick_clicks_post_a_metric_once(server: Server, open_page: OpenPage) -> None:
    page = open_page(server)
    posts: list[str] = []
    page.on(
        "request",
        lambda request: (
            posts.append(request.post_data or "")
            if request.method == "POST" and "/rooms/general/messages/" in request.url
            else None
        ),
    )
    page.locator("[data-metric=cpu_usage]").hover()
    page.locator("[popovertarget=post-cpu_usage]").click()
    page.locator("#post-cpu_usage [data-post=general]").dblclick()
    expect(page.locator("#post-cpu_usage [role=status]")).to_be_visible()
    assert len(posts) == 1
    assert json.loads(posts[0])["client_message_id"]


def test_t_swaps_a_chart_for_its_table_and_back(server: Server, open_page: OpenPage) -> None:
    page = open_page(server)
    expect_live(page)
    panel = page.locator(".chart-panel").first
    panel.locator(".plot").focus()
    page.keyboard.press("t")
    expect(panel.locator(".chart-table")).to_be_focused()
    page.keyboard.press("t")
    expect(panel.locator(".plot")).to_be_focused()


def test_a_link_to_a_metric_that_is_gone_shows_the_whole_page(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server)
    page.goto(f"{server.url}/dashboards/?metric=no_such_metric&at=2026-01-01T00:00:00Z")
    expect(page.locator("[data-metric=cpu_usage]")).to_be_visible()
    expect(page.locator("[data-note=paused]")).to_have_count(0)
    page.wait_for_url(f"{server.url}/dashboards/")


def test_when_the_server_restarts_the_page_says_so_and_is_live_again_by_itself(
    own_server: Server, open_page: OpenPage, complaints: Complaints
) -> None:
    # The browser itself logs these when a server is down: the socket, and the session check, which
    # may or may not fall into that time.
    complaints.expect(r"WebSocket connection to .* failed")
    complaints.expect(r"net::ERR_CONNECTION_REFUSED")
    page = open_page(own_server)
    expect_live(page)
    expect(page.locator("[data-metric=cpu_usage] .metric-val")).to_have_text(re.compile(r"\d"))
    own_server.stop()
    expect(page.locator("[data-note=reconnecting]")).to_be_visible()
    assert re.search(r"\d", value_of(page, "cpu_usage")), "the last value stays on the page"
    own_server.start()
    expect(page.locator(".conn")).to_have_attribute("data-state", "live")
    expect(page.locator("[data-note=reconnecting]")).to_have_count(0)


def test_history_survives_a_restart(tmp_path: Path, open_page: OpenPage) -> None:
    with servers.embedded(tmp_path) as first:
        page = open_page(first)
        frames = Frames.of(page)
        page.reload()
        wait_until(page, lambda: frames.count("realtime_metrics") >= 3, what="three samples")
        page.context.close()
    with servers.embedded(tmp_path) as second:
        page = open_page(second, user="bob")
        points = page.evaluate(
            "fetch('/api/v1/metrics/cpu_usage/history/?hours=1')"
            ".then(answer => answer.json()).then(history => history.data.length)"
        )
    assert points >= 1


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/accounts/login/", "/dashboards/", "/accounts/profile/"])
def test_no_page_breaks_a_serious_accessibility_rule(
    server: Server, open_page: OpenPage, path: str, theme: str, viewport: dict[str, int]
) -> None:
    public = path == "/accounts/login/"
    page = open_page(server, user=None if public else "alice", viewport=viewport, theme=theme)
    page.goto(server.url + path)
    if path == "/dashboards/":
        expect_live(page)
    assert accessibility_violations(page) == []


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_no_page_scrolls_sideways(
    server: Server, open_page: OpenPage, viewport: dict[str, int]
) -> None:
    page = open_page(server, viewport=viewport)
    for path in ("/dashboards/", "/accounts/profile/"):
        page.goto(server.url + path)
        page.wait_for_load_state()
        overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert page.evaluate(overflow) == 0, path


def test_the_admin_has_no_complaint_under_the_content_security_policy(
    server: Server, open_page: OpenPage
) -> None:
    page = open_page(server, user=None)
    page.goto(f"{server.url}/admin/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(servers.ADMIN_PASSWORD)
    page.locator("[type=submit], .btn-primary").first.click()
    page.wait_for_url(f"{server.url}/admin/")
    for link in ("accounts/user/", "accounts/workspace/", "dashboard/metric/"):
        page.goto(f"{server.url}/admin/{link}")
        expect(page.locator("#content")).to_be_visible()
