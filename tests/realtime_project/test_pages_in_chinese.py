"""Every page in Chinese, including the admin's, is entirely in Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.contrib import admin
from django.test import Client, RequestFactory
from django.urls import reverse

from accounts import selectors, services
from accounts.models import AuditEntry, Role, User
from chat import services as chat
from dashboard import services as dashboard
from dashboard.models import Metric
from notifications.models import Announcement, Notification
from tests.support.people import make_member, make_workspace
from tools.visible import visible

pytestmark = pytest.mark.django_db
CHINESE = {"Accept-Language": "zh-CN"}
# Names, units and symbols that are the same in every language.
SAME = {
    "API", "Authorization", "Bearer", "CPU", "ID", "IP", "JSON", "JavaScript", "LDAP", "MB",
    "Mbit", "Pitwall", "UTC", "WebSocket", "REST", "English",
}  # fmt: skip
# From Django: an untranslated image description, keyboard keys, a hasher.
DJANGO = {"True", "False", "Search", "Control", "Mac", "Command", "md", "testserver"}
# Codes for programs, in separate columns; JSON; metrics, which have English names.
CODES = re.compile(
    r"pw_\w+|[a-z]+([._][a-z]+)+|\w+\*{6,}|\(host\)|{source=|"
    r"Disk I/O|CPU usage|Memory usage|Network throughput"
)
WORD = re.compile(r"[A-Za-z]{2,}")


@pytest.fixture
def mina(db: None) -> User:
    """Create a user with one of each kind of object that pages list, all with Chinese names."""
    team = make_workspace("24", name="车队")
    mina = make_member(team, Role.OWNER, "小敏", is_staff=True, is_superuser=True)
    other = make_member(team, username="小博")
    Client().force_login(other)
    principal = selectors.principal_of(mina)
    chat.create_room(principal=principal, name="运维", slug="7")
    chat.add_member(principal=principal, room="7", user_id=other.pk)
    services.create_token(user_id=mina.pk, workspace_id=team.pk, name="探针")
    source = dashboard.create_source(workspace_id=team.pk, name="主机", kind="host")
    dashboard.ensure_series(source_id=source.pk, wanted=[("cpu_usage", ())])
    Metric.objects.exclude(name="cpu_usage").delete()
    Announcement.objects.create(message="三点下雨", workspace=team, author=mina)
    # Stored texts are in the installation's language, whoever reads them.
    Notification.objects.all().delete()
    Notification.objects.create(workspace=team, user=mina, title="你好", kind="announcement")
    services.deactivate_user(user=other)
    return mina


def odd(page: str) -> list[str]:
    """Return the texts of a page that contain non-Chinese words."""
    texts = {" ".join(text.split()) for text in visible(page)}
    return sorted(
        text
        for text in texts
        if not text.startswith("{") and set(WORD.findall(CODES.sub("", text))) - SAME - DJANGO
    )


def odd_of(client: Client, paths: Iterator[str]) -> dict[str, list[str]]:
    found = {}
    for path in paths:
        answer = client.get(path)
        assert answer.status_code in (200, 404), path
        if texts := odd(answer.content.decode()):
            found[path] = texts
    return found


def test_what_is_not_chinese_is_found() -> None:
    page = '<p>聊天 <b>Chat</b> API</p><a title="Go">→</a><code>cpu_usage</code>'
    assert odd(page) == ["Chat", "Go"]


def test_pages(mina: User) -> None:
    client = Client(headers=CHINESE)
    guest = ("/accounts/login/", "/accounts/password/reset/", "/nowhere/", "/api/docs/")
    assert odd_of(client, iter(guest)) == {}
    client.force_login(mina)
    member = (
        "/accounts/profile/",
        "/accounts/password/change/",
        "/dashboards/",
        "/chat/",
        "/notifications/",
    )
    assert odd_of(client, iter(member)) == {}


def test_the_admin(mina: User) -> None:
    client = Client(headers=CHINESE)
    client.force_login(mina)
    assert odd_of(client, admin_pages(mina)) == {}
    assert AuditEntry.objects.exists()


def admin_pages(user: User) -> Iterator[str]:
    """Yield the front page, and for each model its list, its form, and the page of one row."""
    request = RequestFactory().get("/admin/")
    request.user = user
    yield "/admin/"
    for model, site in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        if site.has_add_permission(request):
            yield reverse(f"{name}_add")
        row = model._default_manager.order_by("pk").last()
        if row is not None:
            yield reverse(f"{name}_change", args=[row.pk])
