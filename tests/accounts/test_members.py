"""Workspaces, roles, and the loss of access."""

import pytest
from django.db import IntegrityError, transaction

from accounts import selectors, services
from accounts.models import ApiToken, Membership, Role, User
from realtime.errors import Conflict, NotFound
from realtime.models import Stream
from realtime.streams import log
from realtime.streams.log import StreamKey
from tests.support.people import join, make_member, make_user, make_workspace

pytestmark = pytest.mark.django_db


def membership_of(user: User) -> Membership:
    return Membership.objects.get(user=user)


def test_a_new_workspace_has_its_owner() -> None:
    owner = make_user()
    workspace = services.create_workspace(slug="pit", name="Pit", owner=owner)
    assert selectors.principal_of(owner, "pit").role == Role.OWNER
    assert workspace.members.get() == owner


def test_a_deleted_workspace_leaves_no_stream_behind() -> None:
    gone, kept = make_workspace("gone"), make_workspace("kept")
    log.extents([StreamKey(gone.pk, "room:ops"), StreamKey(kept.pk, "room:ops")])
    workspace_id = kept.pk
    gone.delete()
    assert [stream.workspace_id for stream in Stream.objects.all()] == [workspace_id]


def test_a_deleted_user_leaves_no_stream_of_their_own_behind() -> None:
    workspace = make_workspace()
    gone, kept = make_member(workspace), make_member(workspace)
    own = [StreamKey(workspace.pk, "notifications", user.pk) for user in (gone, kept)]
    log.extents([*own, StreamKey(workspace.pk, "alerts")])
    gone.delete()
    assert sorted(Stream.objects.values_list("user_id", flat=True)) == [0, kept.pk]


def test_a_slug_is_taken_once() -> None:
    services.create_workspace(slug="pit", name="Pit")
    with pytest.raises(Conflict):
        services.create_workspace(slug="pit", name="Another")


def test_the_first_workspace_opens_first_and_a_second_one_does_not() -> None:
    user = make_member(make_workspace("first"))
    join(user, make_workspace("second"))
    assert selectors.principal_of(user).workspace == "first"


def test_nobody_is_a_member_twice() -> None:
    workspace = make_workspace()
    user = make_member(workspace)
    with pytest.raises(Conflict):
        join(user, workspace, Role.OWNER)
    assert membership_of(user).role == Role.MEMBER


def test_the_database_refuses_a_second_default() -> None:
    user = make_member()
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=user, workspace=make_workspace(), is_default=True)


def test_the_database_refuses_an_unknown_role() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=make_user(), workspace=make_workspace(), role="god")


def test_the_default_can_be_another_workspace() -> None:
    user = make_member(make_workspace("first"))
    second = join(user, make_workspace("second"))
    services.make_default(membership_id=second.pk)
    assert selectors.principal_of(user).workspace == "second"


def test_a_new_role_has_the_sockets_that_hold_the_old_one_reconnect(reauthorized) -> None:
    workspace = make_workspace()
    user = make_member(workspace)
    services.change_role(membership_id=membership_of(user).pk, role=Role.VIEWER)
    assert membership_of(user).role == Role.VIEWER
    assert reauthorized == [{"user_id": user.pk, "workspace_id": workspace.pk}]


def test_the_same_role_again_disturbs_nobody(reauthorized) -> None:
    user = make_member()
    services.change_role(membership_id=membership_of(user).pk, role=Role.MEMBER)
    assert reauthorized == []


@pytest.mark.parametrize("role", [Role.ADMIN, Role.VIEWER])
def test_the_last_owner_keeps_the_role(role: str) -> None:
    workspace = make_workspace()
    owner = make_member(workspace, Role.OWNER)
    make_member(workspace, Role.ADMIN)
    with pytest.raises(Conflict, match="owner"):
        services.change_role(membership_id=membership_of(owner).pk, role=role)
    with pytest.raises(Conflict, match="owner"):
        services.remove_member(membership_id=membership_of(owner).pk)
    assert membership_of(owner).role == Role.OWNER


def test_an_owner_who_is_deactivated_does_not_count() -> None:
    workspace = make_workspace()
    owner = make_member(workspace, Role.OWNER)
    services.deactivate_user(user=make_member(workspace, Role.OWNER))
    with pytest.raises(Conflict):
        services.remove_member(membership_id=membership_of(owner).pk)


def test_one_of_two_owners_may_go() -> None:
    workspace = make_workspace()
    first, _second = make_member(workspace, Role.OWNER), make_member(workspace, Role.OWNER)
    services.remove_member(membership_id=membership_of(first).pk)
    assert workspace.members.count() == 1


def test_who_is_removed_loses_tokens_tickets_and_sockets_there_alone(reauthorized) -> None:
    left, kept = make_workspace("left"), make_workspace("kept")
    user = make_member(left)
    join(user, kept)
    for workspace in (left, kept):
        services.create_token(user_id=user.pk, workspace_id=workspace.pk, name=workspace.slug)
    ticket = services.issue_ticket(principal=selectors.principal_of(user, "left"))
    services.remove_member(membership_id=Membership.objects.get(user=user, workspace=left).pk)

    assert [token.name for token in ApiToken.objects.filter(revoked_at=None)] == ["kept"]
    assert services.redeem_ticket(ticket=ticket.ticket) is None
    assert reauthorized == [{"user_id": user.pk, "workspace_id": left.pk}]
    assert selectors.principal_of(user).workspace == "kept"
    with pytest.raises(NotFound):
        selectors.principal_of(user, "left")


def test_usernames_and_email_addresses_differ_in_more_than_case() -> None:
    make_user("mina", email="mina@example.com")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("Mina")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_user("other", email="MINA@example.com")


def test_many_users_have_no_email_address() -> None:
    make_user(email="")
    make_user(email="")
