"""The environment is checked at the start, and errors name the variable."""

import stat

import pytest
from django.core.exceptions import ImproperlyConfigured

from realtime_project.env import load

PRODUCTION = {
    "DATABASE_URL": "postgres://pitwall:secret@db:5432/pitwall",
    "REDIS_URL": "redis://cache:6379/0",
    "SECRET_KEY": "a secret",
    "ALLOWED_HOSTS": "pitwall.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://pitwall.example.com",
}


def test_without_any_setting_it_runs_embedded_on_loopback(tmp_path):
    environment = load({"PITWALL_DATA_DIR": str(tmp_path)})
    assert environment.embedded
    assert environment.workers == "inside"
    assert environment.allowed_hosts == ["127.0.0.1", "localhost", "[::1]"]
    assert environment.database["NAME"] == str(tmp_path / "pitwall.sqlite3")


def test_the_first_start_makes_a_secret_for_its_owner_alone_and_keeps_it(tmp_path):
    first = load({"PITWALL_DATA_DIR": str(tmp_path)})
    second = load({"PITWALL_DATA_DIR": str(tmp_path)})
    assert first.secret_key == second.secret_key
    assert len(first.secret_key) >= 50
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600


def test_a_new_data_folder_is_closed_to_others(tmp_path):
    load({"PITWALL_DATA_DIR": str(tmp_path / "data")})
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_production_is_read_from_the_environment(tmp_path):
    environment = load({**PRODUCTION, "PITWALL_DATA_DIR": str(tmp_path)})
    assert not environment.embedded
    assert environment.workers == "none"
    assert environment.database["HOST"] == "db"
    assert not (tmp_path / ".env").exists()


def test_proxies_are_trusted_by_address_and_by_network(tmp_path):
    trusted = "127.0.0.1, ::1,10.0.0.0/8"
    environment = load({"TRUSTED_PROXIES": trusted, "PITWALL_DATA_DIR": str(tmp_path)})
    assert environment.trusted_proxies == ["127.0.0.1", "::1", "10.0.0.0/8"]


def test_mail_goes_where_the_environment_says(tmp_path):
    mail = "smtp://pit:secret@mail.example.com:587"
    environment = load({"EMAIL_URL": mail, "PITWALL_DATA_DIR": str(tmp_path)})
    assert (environment.email["EMAIL_HOST"], environment.email["EMAIL_PORT"]) == (
        "mail.example.com",
        587,
    )
    assert load({"PITWALL_DATA_DIR": str(tmp_path)}).email == {}


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS"])
def test_a_missing_secret_is_named(name, tmp_path):
    given = {key: value for key, value in PRODUCTION.items() if key != name}
    with pytest.raises(ImproperlyConfigured, match=name):
        load({**given, "PITWALL_DATA_DIR": str(tmp_path)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/pitwall"),
        ("DATABASE_URL", "postgres://db:port/pitwall"),
        ("DATABASE_URL", "postgres://db"),
        ("REDIS_URL", "http://cache"),
        ("CSRF_TRUSTED_ORIGINS", "pitwall.example.com"),
        ("CORS_ALLOWED_ORIGINS", "https://a.example/path"),
        ("PORT", "many"),
        ("PORT", "0.5"),
        ("PORT", "65536"),
        ("TRUSTED_PROXIES", "nginx"),
        ("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/99"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("TRUSTED_PROXIES", "*"),
        ("EMAIL_URL", "mail.example.com"),
        ("EMAIL_URL", "smtp://mail.example.com:port"),
        ("PITWALL_LOG_FORMAT", "jsn"),
        ("PITWALL_SERVICE_THREADS", "0.5"),
        ("PITWALL_SEND_THREADS", "1.5"),
        ("PITWALL_MAX_UPLOAD_BYTES", "0.5"),
        ("PITWALL_MAX_CONNECTIONS", "0.5"),
        ("PITWALL_DEMO", "maybe"),
        ("PITWALL_WORKERS", "outside"),
        ("PITWALL_COMMANDS_PER_SECOND", "-1"),
    ],
)
def test_a_wrong_value_is_named(name, value, tmp_path):
    with pytest.raises(ImproperlyConfigured, match=name):
        load({**PRODUCTION, name: value, "PITWALL_DATA_DIR": str(tmp_path)})


def test_links_begin_with_the_configured_origin(tmp_path):
    production = {**PRODUCTION, "PITWALL_DATA_DIR": str(tmp_path)}
    assert load(production).origin_at("0.0.0.0", 8000) == "https://pitwall.example.com"
    named = load({**production, "PITWALL_ORIGIN": "https://pit.example.org"})
    assert named.origin_at("0.0.0.0", 8000) == "https://pit.example.org"


@pytest.mark.parametrize(
    ("host", "hosts", "origin"),
    [
        ("127.0.0.1", "", "http://127.0.0.1:9000"),
        ("::1", "", "http://[::1]:9000"),
        ("0.0.0.0", "", "http://127.0.0.1:9000"),
        ("0.0.0.0", ".lan,pit.lan", "http://pit.lan:9000"),
        ("::", "[::1]", "http://[::1]:9000"),
    ],
)
def test_an_embedded_installation_links_to_where_it_listens(tmp_path, host, hosts, origin):
    environment = load({"PITWALL_DATA_DIR": str(tmp_path), "ALLOWED_HOSTS": hosts})
    assert environment.origin_at(host, 9000) == origin


def test_a_wildcard_is_no_address_for_links(tmp_path):
    wild = {**PRODUCTION, "CSRF_TRUSTED_ORIGINS": "https://*.example.com"}
    with pytest.raises(ImproperlyConfigured, match="PITWALL_ORIGIN"):
        load({**wild, "PITWALL_DATA_DIR": str(tmp_path)})
