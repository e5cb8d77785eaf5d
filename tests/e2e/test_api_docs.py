"""The REST API's documentation page, under the policy of all pages."""

import pytest
from playwright.sync_api import expect

from .conftest import OpenPage
from .servers import Server

pytestmark = pytest.mark.e2e


def test_the_api_is_shown_and_can_be_tried(server: Server, open_page: OpenPage) -> None:
    page = open_page(server)
    page.goto(f"{server.url}/accounts/profile/tokens/")
    page.get_by_role("link", name="REST API").click()
    page.wait_for_url(f"{server.url}/api/docs/")
    expect(page.locator("#operations-chat-create_room")).to_be_visible(timeout=60_000)

    me = page.locator("#operations-accounts-get_me")
    me.get_by_role("button").first.click()
    me.get_by_role("button", name="Try it out").click()
    me.get_by_role("button", name="Execute").click()
    expect(me.locator(".live-responses-table")).to_contain_text('"username": "alice"')

    # Requests that change something need the page's CSRF token.
    tickets = page.locator("#operations-accounts-issue_ticket")
    tickets.get_by_role("button").first.click()
    tickets.get_by_role("button", name="Try it out").click()
    tickets.get_by_role("button", name="Execute").click()
    expect(tickets.locator(".live-responses-table")).to_contain_text('"expires_in": 60')
