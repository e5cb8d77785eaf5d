"""The settings pages: the user, their workspaces, sessions and tokens."""

import re
from datetime import timedelta

from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from accounts import selectors, services
from accounts.login.activity import recent_use
from accounts.login.authentication import authenticate
from accounts.models import ApiToken, Role, User, UserSession, Workspace
from realtime.auth import Credentials
from tests.support.people import join, make_user, make_workspace

PROFILE = "/accounts/profile/"
SECURITY = f"{PROFILE}security/"
TOKENS = f"{PROFILE}tokens/"


def page(client: Client, path: str = PROFILE) -> str:
    return client.get(path).content.decode()


def test_names_and_address_can_be_changed(browser: Client, mina: User) -> None:
    form = {"first_name": "Mina", "last_name": "Okafor", "email": "m@example.com"}
    assert browser.post(PROFILE, form)["Location"] == PROFILE
    mina.refresh_from_db()
    assert (mina.get_full_name(), mina.email) == ("Mina Okafor", "m@example.com")
    assert "Profile saved." in page(browser)


def test_somebody_elses_address_is_refused(browser: Client, mina: User) -> None:
    make_user("zoe", email="zoe@example.com")
    form = {"first_name": "", "last_name": "", "email": "ZOE@example.com"}
    response = browser.post(PROFILE, form)
    assert response.status_code == 400
    assert "Somebody else uses that email address." in response.content.decode()
    mina.refresh_from_db()
    assert mina.email == "mina@example.com"


def test_one_cannot_make_oneself_staff(browser: Client, mina: User) -> None:
    form = {"first_name": "", "last_name": "", "email": "", "is_staff": "on", "username": "root"}
    browser.post(PROFILE, form)
    mina.refresh_from_db()
    assert (mina.is_staff, mina.username) == (False, "mina")


def test_sessions_are_listed_and_this_one_is_marked(browser: Client, mina: User) -> None:
    phone = Client(HTTP_USER_AGENT="Mozilla/5.0 (iPhone) Version/26.1 Safari/604.1")
    phone.force_login(mina)
    phone.get(PROFILE)
    html = page(browser, SECURITY)
    assert "Firefox on Linux" in html
    assert "Safari on iPhone" in html
    assert html.count("This device") == 1


def test_one_session_can_be_ended(browser: Client, mina: User, revoked) -> None:
    phone = Client()
    phone.force_login(mina)
    key = phone.session.session_key
    session = UserSession.objects.get(session_id=key)
    answer = browser.post(f"{PROFILE}sessions/{session.pk}/end/")
    assert answer["Location"] == SECURITY
    assert phone.get(PROFILE).status_code == 302
    assert browser.get(PROFILE).status_code == 200
    assert revoked == [{"session_key": key}]


def test_ending_this_very_session_signs_one_out(browser: Client, mina: User, revoked) -> None:
    key = browser.session.session_key
    response = browser.post(f"{PROFILE}sessions/{mina.sessions.get().pk}/end/")
    assert response["Location"] == "/accounts/login/"
    assert browser.get(PROFILE).status_code == 302
    assert {"session_key": key} in revoked


def test_all_other_sessions_can_be_ended(browser: Client, mina: User, revoked) -> None:
    others = [Client(), Client()]
    for other in others:
        other.force_login(mina)
    keys = {other.session.session_key for other in others}
    assert browser.post(f"{PROFILE}sessions/end-others/")["Location"] == SECURITY
    assert [other.get(PROFILE).status_code for other in others] == [302, 302]
    assert browser.get(PROFILE).status_code == 200
    assert {order["session_key"] for order in revoked} == keys


def test_an_expired_session_is_not_listed(browser: Client, mina: User) -> None:
    phone = Client(HTTP_USER_AGENT="curl/8.5.0")
    phone.force_login(mina)
    Session.objects.filter(pk=phone.session.session_key).update(expire_date=timezone.now())
    assert [session.user_agent for session in selectors.live_sessions_of(mina)] == [
        UserSession.objects.get(session_id=browser.session.session_key).user_agent
    ]


def test_a_session_that_is_cleared_away_takes_its_row_along(browser: Client, revoked) -> None:
    key = browser.session.session_key
    Session.objects.filter(pk=key).delete()
    assert not UserSession.objects.exists()
    assert revoked == [{"session_key": key}]


def test_last_seen_is_written_once_a_minute(browser: Client, mina: User) -> None:
    hour_ago = timezone.now() - timedelta(hours=1)
    UserSession.objects.update(last_seen_at=hour_ago)
    User.objects.update(last_seen_at=hour_ago)
    recent_use.forget()
    browser.get(PROFILE)
    seen = UserSession.objects.get().last_seen_at
    assert seen > hour_ago
    mina.refresh_from_db()
    assert mina.last_seen_at > hour_ago

    recent_use.forget()  # as if another process served the request
    browser.get(PROFILE)
    assert UserSession.objects.get().last_seen_at == seen


def test_a_page_that_does_not_ask_who_is_there_costs_no_query(
    browser: Client, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        browser.get("/healthz")


def test_open_sockets_and_programs_count_as_active(mina: User, home: Workspace) -> None:
    now = timezone.now()
    assert selectors.active_user_count(home.pk, now) == 0
    services.touch([selectors.principal_of(mina)], now)
    assert selectors.active_user_count(home.pk, now) == 1
    assert selectors.active_user_count(home.pk, now + timedelta(minutes=4, seconds=59)) == 1
    assert selectors.active_user_count(home.pk, now + timedelta(minutes=5)) == 0


def test_an_open_socket_keeps_its_session_and_token_fresh(browser: Client, mina: User) -> None:
    key = browser.session.session_key
    token, _secret = services.create_token(
        user_id=mina.pk, workspace_id=selectors.principal_of(mina).workspace_id, name="t"
    )
    later = timezone.now() + timedelta(minutes=2)
    services.touch(
        [
            selectors.principal_of(mina, session_key=key),
            selectors.principal_of(mina, token=token),
        ],
        later,
    )
    token.refresh_from_db()
    assert UserSession.objects.get().last_seen_at == later
    assert token.last_used_at == later


def test_a_touch_within_the_minute_writes_nothing(mina: User) -> None:
    now = timezone.now()
    principal = selectors.principal_of(mina)
    services.touch([principal], now)
    services.touch([principal], now + timedelta(seconds=30))
    mina.refresh_from_db()
    assert mina.last_seen_at == now


def test_a_token_is_shown_once_and_works(browser: Client, mina: User) -> None:
    form = {"name": "build box", "membership": mina.memberships.get().pk, "lifetime": "30"}
    response = browser.post(TOKENS, form)
    found = re.search(r"pw_[0-9a-f]{8}_[\w-]{43}", response.content.decode())
    assert found
    assert "no-store" in response["Cache-Control"]
    principal = authenticate(Credentials(bearer=found[0]))
    assert principal is not None
    assert principal.user_id == mina.pk

    listed = page(browser, TOKENS)
    assert "build box" in listed
    assert found[0] not in listed
    days = (ApiToken.objects.get().expires_at - timezone.now()).days
    assert days in (29, 30)


def test_a_token_may_never_expire(browser: Client, mina: User) -> None:
    form = {"name": "x", "membership": mina.memberships.get().pk, "lifetime": ""}
    browser.post(TOKENS, form)
    assert ApiToken.objects.get().expires_at is None


def test_a_token_without_a_name_is_refused_in_place(browser: Client, mina: User) -> None:
    form = {"name": "", "membership": mina.memberships.get().pk, "lifetime": "30"}
    response = browser.post(TOKENS, form)
    assert response.status_code == 400
    assert "This field is required." in response.content.decode()
    assert not ApiToken.objects.exists()


def test_a_token_can_be_revoked(browser: Client, mina: User, home: Workspace, revoked) -> None:
    token, secret = services.create_token(user_id=mina.pk, workspace_id=home.pk, name="old")
    assert browser.post(f"{TOKENS}{token.pk}/revoke/")["Location"] == TOKENS
    assert authenticate(Credentials(bearer=secret)) is None
    assert revoked == [{"token_id": token.pk}]
    assert (
        "old"
        not in re.sub(r"<title>.*?</title>", "", page(browser, TOKENS)).split('id="tokens"')[1]
    )


def test_the_workspace_that_opens_first_can_be_chosen(browser: Client, mina: User) -> None:
    second = join(mina, make_workspace("away"), Role.VIEWER)
    browser.post(f"{PROFILE}memberships/{second.pk}/default/")
    assert browser.get("/api/v1/me/").json()["workspace"] == "away"


def test_what_ends_something_takes_a_post_alone(browser: Client) -> None:
    for path in ("sessions/end-others/", "sessions/1/end/", "tokens/1/revoke/"):
        assert browser.get(PROFILE + path).status_code == 405


def test_a_form_without_the_csrf_token_changes_nothing(mina: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mina)
    response = strict.post(f"{PROFILE}sessions/end-others/")
    assert response.status_code == 403
    assert "This form was open too long" in response.content.decode()


def test_who_is_in_no_workspace_still_has_settings(db: None) -> None:
    client = Client()
    client.force_login(make_user())
    assert "You belong to no workspace yet." in page(client)
    assert "This device" in page(client, SECURITY)
    assert "No tokens yet." in page(client, TOKENS)


def test_a_link_to_what_was_one_page_still_leads_to_the_profile(browser: Client) -> None:
    assert 'id="profile-head"' in page(browser, f"{PROFILE}?workspace=home")
