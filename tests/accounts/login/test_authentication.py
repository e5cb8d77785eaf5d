"""Credentials that open a socket, and those that no longer do."""

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db.models import QuerySet
from django.test import Client
from django.utils import timezone

from accounts import selectors, services
from accounts.login import jwt
from accounts.login.authentication import authenticate, authenticate_sessions, recheck
from accounts.models import ApiToken, Membership, Role, User, UserSession, WebSocketTicket
from realtime.auth import Credentials, Principal
from tests.support.people import PASSWORD, join, make_user, make_workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(mina: User) -> User:
    return mina


def session_of(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    return browser.session.session_key or ""


def token_of(user: User, slug: str = "home", **fields) -> tuple[ApiToken, str]:
    principal = selectors.principal_of(user, slug)
    return services.create_token(
        user_id=user.pk, workspace_id=principal.workspace_id, name="t", **fields
    )


def ticket_of(user: User, **fields) -> str:
    return services.issue_ticket(principal=selectors.principal_of(user, **fields)).ticket


def test_a_session_cookie_tells_who_where_and_as_what(member: User) -> None:
    key = session_of(member)
    principal = authenticate(Credentials(session_key=key))
    assert principal is not None
    assert (principal.user_id, principal.username) == (member.pk, "mina")
    assert (principal.workspace, principal.role) == ("home", "admin")
    assert (principal.session_key, principal.token_id) == (key, None)


def test_nothing_shown_is_nobody() -> None:
    assert authenticate(Credentials()) is None


@pytest.mark.parametrize("key", ["", "x", "nosuchsessionnosuchsession000000", "a\0b", "../../etc"])
def test_a_made_up_session_is_nobody(key: str) -> None:
    assert authenticate(Credentials(session_key=key)) is None


def test_an_anonymous_session_is_nobody() -> None:
    browser = Client()
    session = browser.session
    session["seen"] = 1
    session.save()
    assert authenticate(Credentials(session_key=session.session_key)) is None


def test_a_session_ends_with_the_password_it_began_with(member: User) -> None:
    key = session_of(member)
    member.set_password("another-gate-8")
    member.save()
    assert authenticate(Credentials(session_key=key)) is None


def test_an_expired_session_is_nobody(member: User) -> None:
    key = session_of(member)
    stored = UserSession.objects.get(session_id=key).session
    stored.expire_date = timezone.now() - timedelta(seconds=1)
    stored.save()
    assert authenticate(Credentials(session_key=key)) is None


def test_a_jwt_and_an_api_token_open_the_door(member: User) -> None:
    access = jwt.issue(member).access
    by_jwt = authenticate(Credentials(bearer=access))
    token, secret = token_of(member)
    by_token = authenticate(Credentials(bearer=secret))
    assert by_jwt is not None
    assert by_token is not None
    assert by_jwt.user_id == by_token.user_id == member.pk
    assert (by_jwt.token_id, by_token.token_id) == (None, token.pk)


def test_a_refresh_token_is_no_key(member: User) -> None:
    refresh = jwt.issue(member).refresh
    assert authenticate(Credentials(bearer=refresh)) is None


def test_a_jwt_ends_with_the_password(member: User) -> None:
    issued = jwt.issue(member)
    access, refresh = issued.access, issued.refresh
    services.change_password(user=member, password="another-gate-8")
    assert authenticate(Credentials(bearer=access)) is None
    assert jwt.refresh(refresh) is None


@pytest.mark.parametrize("bearer", ["", "pw_", "pw_00000000_nonsense", "a.b.c", "\0", "Bearer x"])
def test_a_made_up_token_is_nobody(bearer: str) -> None:
    assert authenticate(Credentials(bearer=bearer)) is None


def test_an_api_token_ends_when_revoked_or_expired(member: User) -> None:
    token, revoked = token_of(member)
    services.revoke_token(token_id=token.pk)
    assert authenticate(Credentials(bearer=revoked)) is None
    token, expired = token_of(member, expires_at=timezone.now() + timedelta(hours=1))
    ApiToken.objects.filter(pk=token.pk).update(expires_at=timezone.now())
    assert authenticate(Credentials(bearer=expired)) is None


def test_an_api_token_opens_its_own_workspace_alone(member: User) -> None:
    join(member, make_workspace("away"))
    _token, secret = token_of(member, "away")
    principal = authenticate(Credentials(bearer=secret))
    assert principal is not None
    assert principal.workspace == "away"
    assert authenticate(Credentials(bearer=secret, workspace="home")) is None


def test_only_a_hash_of_a_token_is_kept(member: User) -> None:
    token, secret = token_of(member)
    row = ApiToken.objects.filter(pk=token.pk).values().get()
    assert secret not in str(row)
    assert secret[12:] not in str(row)


def test_a_ticket_opens_one_socket_once(member: User) -> None:
    ticket = ticket_of(member)
    principal = authenticate(Credentials(ticket=ticket))
    assert principal is not None
    assert principal.workspace == "home"
    assert authenticate(Credentials(ticket=ticket)) is None


def test_of_two_at_the_same_moment_one_gets_in(member: User, monkeypatch) -> None:
    ticket = ticket_of(member)
    found = QuerySet.first

    def found_by_both(rows: QuerySet) -> object:
        row = found(rows)
        rows.all().delete()  # the other caller was faster
        return row

    with monkeypatch.context() as race:
        race.setattr(QuerySet, "first", found_by_both)
        assert services.redeem_ticket(ticket=ticket) is None


def test_a_ticket_lasts_a_minute(member: User) -> None:
    now = timezone.now()
    principal = selectors.principal_of(member)
    ticket = services.issue_ticket(principal=principal, now=now).ticket
    late = now + timedelta(seconds=60)
    assert services.redeem_ticket(ticket=ticket, now=late) is None
    assert services.redeem_ticket(ticket=ticket, now=late - timedelta(seconds=1)) is not None


def test_tickets_nobody_used_are_cleared_away(member: User) -> None:
    principal = selectors.principal_of(member)
    services.issue_ticket(principal=principal, now=timezone.now() - timedelta(hours=1))
    services.issue_ticket(principal=principal)
    assert WebSocketTicket.objects.count() == 1


def test_a_ticket_ends_with_the_session_or_the_token_it_came_from(member: User) -> None:
    key = session_of(member)
    by_session = ticket_of(member, session_key=key)
    session = UserSession.objects.get(session_id=key)
    services.end_session(session_id=session.pk)
    assert authenticate(Credentials(ticket=by_session)) is None

    token, _secret = token_of(member)
    by_token = ticket_of(member, token=token)
    services.revoke_token(token_id=token.pk)
    assert authenticate(Credentials(ticket=by_token)) is None


def test_a_ticket_keeps_the_login_it_came_from(member: User) -> None:
    key = session_of(member)
    principal = authenticate(Credentials(ticket=ticket_of(member, session_key=key)))
    assert principal is not None
    assert principal.session_key == key


def test_a_ticket_for_one_workspace_opens_no_other(member: User) -> None:
    join(member, make_workspace("away"))
    ticket = ticket_of(member)
    assert authenticate(Credentials(ticket=ticket, workspace="away")) is None


def test_a_deactivated_user_gets_in_by_no_way(member: User) -> None:
    access = jwt.issue(member).access
    _token, secret = token_of(member)
    key, ticket = session_of(member), ticket_of(member)
    User.objects.filter(pk=member.pk).update(is_active=False)
    for credentials in (
        Credentials(session_key=key),
        Credentials(bearer=access),
        Credentials(bearer=secret),
        Credentials(ticket=ticket),
    ):
        assert authenticate(credentials) is None


@pytest.mark.parametrize("slug", ["other", "nowhere", "a\0b"])
def test_who_is_no_member_is_refused(member: User, slug: str) -> None:
    make_workspace("other")
    assert authenticate(Credentials(session_key=session_of(member), workspace=slug)) is None


def test_a_superuser_is_a_member_only_where_a_membership_says_so(member: User) -> None:
    boss = make_user("boss", is_staff=True, is_superuser=True)
    assert authenticate(Credentials(session_key=session_of(boss))) is None
    assert authenticate(Credentials(session_key=session_of(boss), workspace="home")) is None
    join(boss, Membership.objects.get(user=member).workspace, Role.VIEWER)
    principal = authenticate(Credentials(session_key=session_of(boss)))
    assert principal is not None
    assert principal.role == "viewer"


def test_a_handshake_costs_a_handful_of_queries(
    member: User, django_assert_max_num_queries
) -> None:
    key = session_of(member)
    _token, secret = token_of(member)
    access = jwt.issue(member).access
    for credentials in (
        Credentials(session_key=key),
        Credentials(bearer=secret),
        Credentials(bearer=access),
    ):
        authenticate(credentials)
        with django_assert_max_num_queries(3):
            assert authenticate(credentials) is not None


def test_a_login_by_the_page_opens_a_socket(member: User) -> None:
    browser = Client()
    browser.post("/accounts/login/", {"username": "mina", "password": PASSWORD})
    assert authenticate(Credentials(session_key=browser.session.session_key)) is not None


def opened(user: User, **shown) -> Principal:
    """Return the principal of a socket that the user has opened."""
    principal = authenticate(Credentials(**shown))
    assert principal is not None
    return principal


def test_a_login_that_is_as_it_was_is_found_so(member: User) -> None:
    _token, secret = token_of(member)
    principals = [
        opened(member, session_key=session_of(member)),
        opened(member, bearer=secret),
        opened(member, bearer=jwt.issue(member).access),
        opened(member, ticket=ticket_of(member)),
    ]
    assert recheck(principals) == {principal: principal for principal in principals}


def test_all_open_sockets_are_looked_up_in_four_queries(
    member: User, django_assert_num_queries
) -> None:
    principals = [opened(member, session_key=session_of(member)) for _ in range(5)]
    principals.append(opened(member, bearer=token_of(member)[1]))
    principals.append(opened(member, bearer=jwt.issue(member).access))
    with django_assert_num_queries(4):
        recheck(principals)


def test_a_changed_role_is_found_with_the_new_one(member: User) -> None:
    principal = opened(member, session_key=session_of(member))
    Membership.objects.filter(user=member).update(role=Role.VIEWER)
    User.objects.filter(pk=member.pk).update(is_staff=True)
    found = recheck([principal])[principal]
    assert found is not None
    assert (found.role, found.is_staff, found.session_key) == (
        "viewer",
        True,
        principal.session_key,
    )


def _sessions_gone(user: User) -> None:
    Session.objects.all().delete()


def _sessions_expired(user: User) -> None:
    Session.objects.update(expire_date=timezone.now())


def _password_changed(user: User) -> None:
    User.objects.filter(pk=user.pk).update(password="another")


def _deactivated(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def _removed(user: User) -> None:
    Membership.objects.filter(user=user).delete()


@pytest.mark.parametrize(
    "ends", [_sessions_gone, _sessions_expired, _password_changed, _deactivated, _removed]
)
def test_a_session_that_nobody_announced_the_end_of_is_found_ended(member: User, ends) -> None:
    principal = opened(member, session_key=session_of(member))
    ends(member)
    assert recheck([principal]) == {principal: None}


@pytest.mark.parametrize("shown", ["bearer", "ticket"])
@pytest.mark.parametrize("ends", [_password_changed, _deactivated, _removed])
def test_a_login_by_jwt_that_nobody_announced_the_end_of_is_found_ended(
    member: User, ends, shown: str
) -> None:
    key = jwt.issue(member).access if shown == "bearer" else ticket_of(member)
    principal = opened(member, **{shown: key})
    ends(member)
    assert recheck([principal]) == {principal: None}


def test_a_token_outlives_a_password_that_nobody_announced(member: User) -> None:
    principal = opened(member, bearer=token_of(member)[1])
    _password_changed(member)
    assert recheck([principal]) == {principal: principal}


def test_a_session_that_became_somebody_elses_is_found_ended(member: User) -> None:
    key = session_of(member)
    principal = opened(member, session_key=key)
    other = make_user("other")
    stolen = session_of(other)
    data = Session.objects.get(session_key=stolen).session_data
    Session.objects.filter(session_key=key).update(session_data=data)
    assert recheck([principal]) == {principal: None}


@pytest.mark.parametrize("field", ["expires_at", "revoked_at"])
def test_a_token_that_is_over_is_found_ended(member: User, field: str) -> None:
    token, secret = token_of(member)
    principal = opened(member, bearer=secret)
    ApiToken.objects.filter(pk=token.pk).update(**{field: timezone.now()})
    assert recheck([principal]) == {principal: None}
    token.delete()
    assert recheck([principal]) == {principal: None}


def test_many_sessions_are_authenticated_like_each_of_them(member: User) -> None:
    """The look-up for many sessions follows the same rules as the look-up for one."""
    track = make_workspace("track")
    driver, stranger, gone = make_user("driver"), make_user("stranger"), make_user("gone")
    for user in (driver, gone):
        join(user, track, Role.VIEWER)
    join(member, track, Role.OWNER)
    keys = [session_of(user) for user in (member, driver, stranger, gone)]
    User.objects.filter(pk=gone.pk).update(is_active=False)
    expired = session_of(member)
    Session.objects.filter(session_key=expired).update(expire_date=timezone.now())
    stale = session_of(driver)
    data = Session.objects.get(session_key=stale).get_decoded() | {"_auth_user_hash": "old"}
    Session.objects.filter(session_key=stale).update(
        session_data=Session.get_session_store_class()().encode(data)
    )
    anonymous = Client()
    anonymous.get("/accounts/login/")
    shown = [
        Credentials(session_key=key, workspace=workspace)
        for key in (*keys, expired, stale, "nosuchsession", "a\0b", "")
        for workspace in (None, "", "home", "track", "nowhere", "a\0b")
    ]
    expected = [authenticate(credentials) for credentials in shown]
    assert authenticate_sessions(shown) == expected
    assert sum(principal is not None for principal in expected) == 7


def test_a_crowd_is_authenticated_in_two_queries(member: User, django_assert_num_queries) -> None:
    shown = [Credentials(session_key=session_of(member)) for _ in range(20)]
    with django_assert_num_queries(2):
        assert None not in authenticate_sessions(shown)


def test_a_crowd_gets_in_across_a_change_of_the_secret_key(member: User, settings) -> None:
    shown = [Credentials(session_key=session_of(member))]
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-key-that-is-long-enough-for-all-of-this"
    [principal] = authenticate_sessions(shown)
    assert principal is not None
    assert principal.user_id == member.pk
    assert recheck([principal]) == {principal: principal}
    settings.SECRET_KEY_FALLBACKS = []
    assert authenticate_sessions(shown) == [None]


def _forged(session: Session) -> dict[str, object]:
    head, tail = session.session_data[:-1], session.session_data[-1]
    return {"session_data": head + ("A" if tail != "A" else "B")}


def _expired(session: Session) -> dict[str, object]:
    return {"expire_date": timezone.now()}


def _of_another_backend(session: Session) -> dict[str, object]:
    data = session.get_decoded() | {"_auth_user_backend": "somewhere.else.Backend"}
    return {"session_data": session.get_session_store_class()().encode(data)}


def _without_a_hash(session: Session) -> dict[str, object]:
    data = session.get_decoded()
    del data["_auth_user_hash"]
    return {"session_data": session.get_session_store_class()().encode(data)}


@pytest.mark.parametrize("spoiled", [_forged, _expired, _of_another_backend, _without_a_hash])
def test_one_bad_session_in_a_crowd_is_refused_and_the_others_get_in(member: User, spoiled) -> None:
    key, good = session_of(member), session_of(member)
    Session.objects.filter(pk=key).update(**spoiled(Session.objects.get(pk=key)))
    shown = [Credentials(session_key=key), Credentials(session_key=good)]
    found = authenticate_sessions(shown)
    assert found == [authenticate(credentials) for credentials in shown]
    assert [principal is None for principal in found] == [True, False]
