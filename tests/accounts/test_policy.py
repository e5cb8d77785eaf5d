"""The permissions of each role, as a table."""

import pytest

from accounts.models import Role
from accounts.policy import ACTIONS, Action, actions_of, allowed, require
from realtime.auth import Principal
from realtime.errors import PermissionDenied

TABLE = {
    #                          viewer member admin  owner
    Action.VIEW_DASHBOARDS: (True, True, True, True),
    Action.PUSH_SAMPLES: (False, True, True, True),
    Action.PUSH_MESSAGES: (False, True, True, True),
    Action.POST_MESSAGES: (False, True, True, True),
    Action.CREATE_ROOMS: (False, True, True, True),
    Action.SEND_NOTIFICATIONS: (False, False, True, True),
    Action.MANAGE_METRICS: (False, False, True, True),
    Action.MANAGE_ROOMS: (False, False, True, True),
    Action.MANAGE_MEMBERS: (False, False, True, True),
    Action.VIEW_AUDIT: (False, False, True, True),
    Action.MANAGE_WORKSPACE: (False, False, False, True),
}
ROLES = ("viewer", "member", "admin", "owner")


@pytest.mark.parametrize("action", list(Action))
def test_each_role_may_do_exactly_what_the_table_says(action: Action) -> None:
    assert tuple(allowed(role, action) for role in ROLES) == TABLE[action]


def test_every_role_of_a_membership_is_in_the_table() -> None:
    assert set(ACTIONS) == set(Role.values)


def test_a_role_that_does_not_exist_may_do_nothing() -> None:
    assert actions_of("superhero") == frozenset()


def test_a_refusal_names_the_action() -> None:
    viewer = Principal(
        user_id=1, username="v", is_staff=True, workspace_id=1, workspace="main", role="viewer"
    )
    with pytest.raises(PermissionDenied, match="push_samples"):
        require(viewer, Action.PUSH_SAMPLES)
