"""How many tokens and tickets one user may have."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts import services
from accounts.selectors import principal_of
from accounts.services import keys
from realtime.errors import Conflict, RateLimited
from tests.support.people import make_member, make_workspace

pytestmark = pytest.mark.django_db


def test_a_user_has_only_so_many_valid_tokens(settings: Any) -> None:
    settings.QUOTAS = {**settings.QUOTAS, "tokens": 2}
    workspace = make_workspace()
    user = make_member(workspace)
    issued = [
        services.create_token(user_id=user.pk, workspace_id=workspace.pk, name=f"{number}")[0]
        for number in range(2)
    ]
    with pytest.raises(Conflict, match="revoke one first"):
        services.create_token(user_id=user.pk, workspace_id=workspace.pk, name="third")
    services.revoke_token(token_id=issued[0].pk)
    services.create_token(user_id=user.pk, workspace_id=workspace.pk, name="third")


def test_unused_tickets_are_limited_and_the_limit_passes(monkeypatch: Any) -> None:
    monkeypatch.setattr(keys, "MAX_TICKETS", 2)
    workspace = make_workspace()
    principal = principal_of(make_member(workspace), workspace.slug)
    other = principal_of(make_member(workspace), workspace.slug)
    for _ in range(2):
        services.issue_ticket(principal=principal)
    with pytest.raises(RateLimited) as refused:
        services.issue_ticket(principal=principal)
    assert refused.value.retry_after
    services.issue_ticket(principal=other)
    services.issue_ticket(principal=principal, now=timezone.now() + timedelta(seconds=61))
