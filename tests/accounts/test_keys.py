"""Secrets, and what is stored of them."""

from accounts import keys


def test_a_token_can_be_known_by_its_prefix_and_not_by_its_hash() -> None:
    key = keys.new_api_token()
    assert key.plain.startswith(f"{key.prefix}_")
    assert key.plain not in key.hash
    assert keys.digest(key.plain) == key.hash


def test_a_secret_does_not_show_in_logs() -> None:
    key = keys.new_api_token()
    assert key.plain not in repr(key)


def test_no_two_secrets_are_alike() -> None:
    assert len({keys.new_ticket().plain for _ in range(100)}) == 100
