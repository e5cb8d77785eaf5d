"""Names are one name whatever their case and form, on every database, and old ones are migrated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.folding import fold
from accounts.models import AuditEntry, User
from accounts.names import RESERVED
from tests.support.people import PASSWORD, make_member, make_user

NAMES = st.text(st.sampled_from("aAéÉßẞıİiIоОлЛςσΣｶカﬁ.1"), min_size=1, max_size=3)


class TestTheDatabaseFindsWhatTheApplicationSays(TestCase):
    """`hypothesis` gives each example a transaction of its own."""

    @given(NAMES, NAMES)
    @settings(max_examples=60, deadline=None)
    def test_two_names_are_one_for_both(self, one: str, other: str) -> None:
        User.objects.create_user(one, f"{one}@example.com")
        same = fold(one) == fold(other)
        assert User.objects.filter(folded=fold(other)).exists() == same
        try:
            with transaction.atomic():
                User.objects.create_user(other)
        except IntegrityError:
            assert same
        else:
            assert not same


def signs_in(client: Any, name: str) -> bool:
    answer = client.post("/accounts/login/", {"username": name, "password": PASSWORD})
    return answer.status_code == 302


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["émile", "ÉMILE", "E\u0301mile", "Ｅ\u0301ＭＩＬＥ"])
def test_a_name_with_capitals_beyond_ascii_signs_in_as_it_is_typed(client: Any, typed: str) -> None:
    user = make_user("Émile", email="Émile@example.com")
    assert User.objects.get_by_natural_key(typed) == user
    for name in (typed, f"{typed}@EXAMPLE.com"):
        assert signs_in(client, name)


@pytest.mark.django_db
@pytest.mark.parametrize("other", ["alıce", "alicé", "аlice"])
def test_a_name_that_looks_alike_is_another_name(client: Any, other: str) -> None:
    make_user("alice")
    assert not signs_in(client, other)


@pytest.mark.django_db
@pytest.mark.parametrize("name", [*sorted(RESERVED), "ALL", "Ｈｅｒｅ", "every\u200bone"])
def test_nobody_is_called_as_everybody_is(name: str) -> None:
    with pytest.raises(ValidationError):
        User(username=name, password="x").full_clean()
    with pytest.raises(ValidationError):
        User.objects.create_user(name)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["ㅤ", "alice\u3164", "a\u115fb"])
def test_a_username_has_no_letters_that_cannot_be_seen(name: str) -> None:
    with pytest.raises(ValidationError) as refused:
        User(username=name, password="x").full_clean()
    assert "username" in refused.value.message_dict


@pytest.mark.django_db
def test_a_form_says_whose_name_and_address_are_taken(client: Any) -> None:
    make_user("Ольга", email="Ольга@example.com")
    client.force_login(make_user("other"))
    with pytest.raises(ValidationError) as refused:
        User(username="ольга", email="ОЛЬГА@example.com", password="x").full_clean()
    assert set(refused.value.message_dict) == {"username", "email"}
    given = {"email": "ольга@example.com", "current_password": PASSWORD}
    page = client.post("/accounts/profile/", given)
    assert (page.status_code, set(page.context["profile_form"].errors)) == (400, {"email"})


@pytest.mark.django_db
def test_a_display_name_has_nothing_that_hides_or_turns_the_text(client: Any) -> None:
    user = make_member(username="alice")
    client.force_login(user)

    def called(first: str, last: str) -> str:
        given = {"first_name": first, "last_name": last, "email": ""}
        assert client.post("/accounts/profile/", given).status_code == 302
        return User.objects.get(pk=user.pk).display_name

    assert called("Al\u202eice\u200b", "\u2066 Wong\u3164") == "Alice Wong"
    assert called("\u2800\u200b", "") == "alice"


@pytest.mark.django_db
def test_an_administrator_gives_no_name_that_hides_either() -> None:
    user = User(username="alice", first_name="Al\u202eice", password="x")
    user.full_clean()
    assert user.first_name == "Alice"


@pytest.mark.django_db
def test_a_token_has_a_name_that_can_be_seen(client: Any) -> None:
    user = make_member(username="alice")
    client.force_login(user)
    given = {"membership": user.memberships.get().pk, "lifetime": "30"}

    def made(name: str) -> Any:
        form = {**given, "name": name, "current_password": PASSWORD}
        return client.post("/accounts/profile/tokens/", form)

    assert set(made("\u200b\u202e").context["token_form"].errors) == {"name"}
    assert made("de\u202eploy").status_code == 200
    assert user.api_tokens.get().name == "deploy"


@pytest.mark.django_db
def test_a_changed_name_is_found_by_its_new_form_alone() -> None:
    user = make_user("Émile", email="É@example.com")
    user.username, user.email = "Ольга", "О@example.com"
    user.save(update_fields=["username", "email"])
    assert User.objects.get_by_natural_key("ОЛЬГА") == user
    assert not User.objects.filter(folded=fold("Émile")).exists()
    assert User.objects.get(folded_email=fold("о@EXAMPLE.com")) == user


@pytest.fixture
def before(transactional_db: None) -> Iterator[StateApps]:
    """Yield the schema in which the database compared names by its own rules."""
    executor = MigrationExecutor(connection)
    nodes = [node for node in executor.loader.graph.leaf_nodes() if node[0] != "accounts"]
    executor.migrate([("accounts", "0002_audit")])
    yield executor.loader.project_state([*nodes, ("accounts", "0002_audit")]).apps
    migrate_to_the_newest()


def migrate_to_the_newest() -> None:
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())


def test_of_old_names_that_are_one_now_the_first_stays_and_the_others_get_a_number(
    before: StateApps,
) -> None:
    users = before.get_model("accounts", "User").objects
    # On PostgreSQL too, letters of other widths made another name.
    users.create(username="ﬁne", is_active=False, email="ﬁne@example.com")
    first = users.create(username="Fine", email="fine@example.com")
    users.create(username="ｆｉｎｅ", email="ｆｉｎｅ@example.com")
    users.create(username="fine-2")

    migrate_to_the_newest()

    names = dict(User.objects.order_by("pk").values_list("username", "email"))
    assert names == {
        "ﬁne-4": "",
        "Fine": "fine@example.com",
        "ｆｉｎｅ-3": "",
        "fine-2": "",
    }
    assert User.objects.get_by_natural_key("FINE").pk == first.pk
    told = AuditEntry.objects.order_by("id").values_list("details", flat=True)
    assert list(told) == [
        {
            "username": {"old": "ｆｉｎｅ", "new": "ｆｉｎｅ-3"},
            "email": {"old": "ｆｉｎｅ@example.com", "new": ""},
        },
        {
            "username": {"old": "ﬁne", "new": "ﬁne-4"},
            "email": {"old": "ﬁne@example.com", "new": ""},
        },
    ]
