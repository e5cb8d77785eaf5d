"""The environment, read and checked once: all settings of an installation.

There are two ways to run. *Embedded* (neither DATABASE_URL nor REDIS_URL is set): SQLite, in-memory
channel layer, secrets generated on the first start and kept in the data folder. *Production*: the
deployer sets the services and the secrets; a missing or malformed variable stops the start with an
error that names it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from realtime_project import variables

PROJECT_ROOT = Path(__file__).resolve().parent.parent
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
DATABASE_SCHEMES = {"postgres", "postgresql", "sqlite"}
REDIS_SCHEMES = {"redis", "rediss"}
WORKERS = ("inside", "none")
LOG_FORMATS = ("console", "json")


@dataclass(frozen=True)
class Environment:
    """One installation's settings; times in seconds unless named in days, sizes in bytes.

    `embedded` is true if no external service is set; `email` holds Django's mail settings, and is
    empty if mails are kept in the data folder.
    """

    data_dir: Path
    embedded: bool
    debug: bool
    demo: bool
    admin_password: str | None
    demo_password: str | None
    host: str
    port: int
    secret_key: str
    allowed_hosts: list[str]
    csrf_trusted_origins: list[str]
    public_origin: str | None
    cors_allowed_origins: list[str]
    trusted_proxies: list[str]
    database: dict[str, Any]
    redis_url: str | None
    redis_prefix: str
    email: dict[str, Any]
    workers: str
    service_threads: int
    send_threads: int
    event_retention_days: float
    max_upload_bytes: int
    notification_retention_days: float
    inbox_retention_days: float
    audit_retention_days: float
    log_format: str
    limits: dict[str, float] = field(default_factory=dict)
    login_limits: dict[str, float] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)

    def origin_at(self, host: str, port: int) -> str:
        """Return what links in mails begin with, for a server that listens on `host` and `port`.

        It is what is configured. Else the listening address, or, where that is every address, the
        first whole name that requests may be for.
        """
        if self.public_origin:
            return self.public_origin
        if host in ("0.0.0.0", "::", ""):
            named = [name for name in self.allowed_hosts if not name.startswith((".", "*"))]
            host = (named or LOOPBACK_HOSTS)[0]
        bare = ":" in host and not host.startswith("[")
        return f"http://[{host}]:{port}" if bare else f"http://{host}:{port}"


# Leaves half of the cores to the receivers; more than three threads gain little.
SEND_THREADS = max(1, min(3, (os.cpu_count() or 1) // 2))
# Name in the environment -> (name in settings.REALTIME_LIMITS, default).
LIMITS: dict[str, tuple[str, float]] = {
    "PITWALL_MAX_FRAME_BYTES": ("max_frame_bytes", 65536),
    "PITWALL_COMMANDS_PER_SECOND": ("commands_per_second", 60),
    "PITWALL_COMMAND_BURST": ("command_burst", 120),
    "PITWALL_MAX_REFUSED_COMMANDS": ("max_refused_commands", 600),
    "PITWALL_MAX_SUBSCRIPTIONS": ("max_subscriptions", 64),
    "PITWALL_MAX_CONNECTIONS": ("max_connections", 10_000),
    "PITWALL_MAX_CONNECTIONS_PER_USER": ("max_connections_per_user", 200),
    "PITWALL_MAX_CONNECTIONS_PER_ADDRESS": ("max_connections_per_address", 500),
    "PITWALL_MAX_WAITING_PER_USER": ("max_waiting_per_user", 250),
    "PITWALL_USER_SHARE": ("user_share", 0.2),
    "PITWALL_HEARTBEAT_INTERVAL": ("heartbeat_interval", 15),
    "PITWALL_HEARTBEAT_TIMEOUT": ("heartbeat_timeout", 45),
    "PITWALL_AUTHENTICATE_WITHIN": ("authenticate_within", 30),
    "PITWALL_RECHECK_WITHIN": ("recheck_within", 60),
    "PITWALL_SLOW_CONSUMER_TIMEOUT": ("slow_consumer_timeout", 10),
    "PITWALL_MAX_HTTP_CONNECTIONS": ("max_http_connections", 2000),
    "PITWALL_MAX_HTTP_CONNECTIONS_PER_ADDRESS": ("max_http_connections_per_address", 200),
    "PITWALL_MAX_HEADER_BYTES": ("max_header_bytes", 32768),
    "PITWALL_MAX_ANONYMOUS_BODY_BYTES": ("max_anonymous_body_bytes", 65536),
    "PITWALL_HEADER_TIMEOUT": ("header_timeout", 10),
    "PITWALL_KEEP_ALIVE": ("keep_alive", 20),
    "PITWALL_STALL_TIMEOUT": ("stall_timeout", 15),
    "PITWALL_MIN_BYTES_PER_SECOND": ("min_bytes_per_second", 1024),
}


# The same for settings.LOGIN_LIMITS; times in seconds, memory in KiB.
LOGIN_LIMITS: dict[str, tuple[str, float]] = {
    "PITWALL_LOGIN_MAX_TRIES": ("tries", 5),
    "PITWALL_LOGIN_MAX_TRIES_PER_ADDRESS": ("tries_per_address", 30),
    "PITWALL_LOGIN_LOCKOUT": ("lockout", 900),
    "PITWALL_LOGIN_DELAY": ("max_delay", 4),
    "PITWALL_LOGIN_WAIT": ("wait", 5),
    "PITWALL_MAX_HASHES_AT_ONCE": ("hashes_at_once", 2),
    "PITWALL_HASH_MEMORY": ("hash_memory", 19456),
    "PITWALL_HASH_PASSES": ("hash_passes", 2),
    "PITWALL_HASH_LANES": ("hash_lanes", 1),
}
# Most that one member may have in a workspace: name in the environment -> (name in settings.QUOTAS,
# default). Members who manage such things have no limit of their own.
QUOTAS: dict[str, tuple[str, int]] = {
    "PITWALL_MAX_METRICS_PER_MEMBER": ("metrics", 200),
    "PITWALL_MAX_SERIES_PER_MEMBER": ("series", 2000),
    "PITWALL_MAX_ROOMS_PER_MEMBER": ("rooms", 50),
    "PITWALL_MAX_STORAGE_MIB_PER_MEMBER": ("storage_mib", 2048),
    "PITWALL_MAX_TOKENS_PER_MEMBER": ("tokens", 50),
}


def load(environment: Mapping[str, str] | None = None) -> Environment:
    """Read and check the environment.

    Raises:
        ImproperlyConfigured: a variable is missing or malformed; the message names it.
    """
    source = dict(os.environ if environment is None else environment)
    data_dir = Path(source.get("PITWALL_DATA_DIR") or PROJECT_ROOT / "var").resolve()
    embedded = not source.get("DATABASE_URL") and not source.get("REDIS_URL")
    if embedded:
        source = _kept_secrets(data_dir) | source
    redis_url = variables.url(source, "REDIS_URL", REDIS_SCHEMES)
    return Environment(
        data_dir=data_dir,
        embedded=embedded,
        debug=variables.flag(source, "PITWALL_DEBUG"),
        demo=variables.flag(source, "PITWALL_DEMO"),
        admin_password=source.get("PITWALL_ADMIN_PASSWORD") or None,
        demo_password=source.get("PITWALL_DEMO_PASSWORD") or None,
        host=source.get("HOST") or "127.0.0.1",
        port=variables.whole(source, "PORT", 8000, most=65535),
        secret_key=variables.required(source, "SECRET_KEY"),
        allowed_hosts=_hosts(source, embedded),
        csrf_trusted_origins=_own_origins(source, embedded),
        public_origin=_public_origin(source, embedded),
        cors_allowed_origins=variables.origins(source, "CORS_ALLOWED_ORIGINS"),
        trusted_proxies=variables.networks(source, "TRUSTED_PROXIES"),
        database=_database(source, data_dir),
        redis_url=redis_url,
        redis_prefix=source.get("PITWALL_REDIS_PREFIX") or "pitwall",
        email=_email(source),
        workers=variables.choice(
            source, "PITWALL_WORKERS", WORKERS, "none" if redis_url else "inside"
        ),
        event_retention_days=variables.number(source, "PITWALL_EVENT_RETENTION_DAYS", 7),
        max_upload_bytes=variables.whole(source, "PITWALL_MAX_UPLOAD_BYTES", 20 * 2**20),
        notification_retention_days=variables.number(
            source, "PITWALL_NOTIFICATION_RETENTION_DAYS", 90
        ),
        inbox_retention_days=variables.number(source, "PITWALL_INBOX_RETENTION_DAYS", 1),
        audit_retention_days=variables.number(source, "PITWALL_AUDIT_RETENTION_DAYS", 365),
        service_threads=variables.whole(source, "PITWALL_SERVICE_THREADS", 8),
        send_threads=variables.whole(source, "PITWALL_SEND_THREADS", SEND_THREADS),
        log_format=variables.choice(
            source, "PITWALL_LOG_FORMAT", LOG_FORMATS, "console" if embedded else "json"
        ),
        limits={name: _limit(source, key, default) for key, (name, default) in LIMITS.items()},
        login_limits={
            name: _limit(source, key, default) for key, (name, default) in LOGIN_LIMITS.items()
        },
        quotas={
            name: variables.whole(source, key, default) for key, (name, default) in QUOTAS.items()
        },
    )


def _kept_secrets(data_dir: Path) -> dict[str, str]:
    """Return embedded mode's SECRET_KEY: generated once, in a file that only its owner can read."""
    path = data_dir / ".env"
    if not path.exists():
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Written to a draft and linked into place: two concurrent first starts get the same key.
        draft = data_dir / f".env.{os.getpid()}"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"SECRET_KEY={secrets.token_urlsafe(50)}\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def _database(source: Mapping[str, str], data_dir: Path) -> dict[str, Any]:
    url = variables.url(source, "DATABASE_URL", DATABASE_SCHEMES)
    if url is None:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(data_dir / "pitwall.sqlite3")}
    try:
        database: dict[str, Any] = dict(environ.Env.db_url_config(url))
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"DATABASE_URL cannot be read: {error}") from error
    if not database.get("NAME"):
        raise ImproperlyConfigured("DATABASE_URL names no database.")
    return database


def _email(source: Mapping[str, str]) -> dict[str, Any]:
    value = source.get("EMAIL_URL")
    if not value:
        return {}
    try:
        return dict(environ.Env.email_url_config(value))
    except (ValueError, environ.ImproperlyConfigured) as error:
        raise ImproperlyConfigured(f"EMAIL_URL cannot be read: {error}") from error


def _hosts(source: Mapping[str, str], embedded: bool) -> list[str]:
    hosts = variables.words(source, "ALLOWED_HOSTS")
    if hosts:
        return hosts
    if not embedded:
        variables.required(source, "ALLOWED_HOSTS")
    return LOOPBACK_HOSTS


def _own_origins(source: Mapping[str, str], embedded: bool) -> list[str]:
    origins = variables.origins(source, "CSRF_TRUSTED_ORIGINS")
    if not origins and not embedded:
        variables.required(source, "CSRF_TRUSTED_ORIGINS")
    return origins


def _public_origin(source: Mapping[str, str], embedded: bool) -> str | None:
    """Return the origin that links in mails begin with; None: where this process listens."""
    given = variables.origins(source, "PITWALL_ORIGIN") or _own_origins(source, embedded)
    if given and "*" in given[0]:
        raise ImproperlyConfigured(
            "PITWALL_ORIGIN is required when CSRF_TRUSTED_ORIGINS begins with a wildcard: links in "
            "mails need a whole host name."
        )
    return given[0] if given else None


def _limit(source: Mapping[str, str], name: str, default: float) -> float:
    # Limits that count something are whole numbers.
    if "_MAX_" in name or name.startswith("PITWALL_HASH_"):
        return variables.whole(source, name, int(default))
    return variables.number(source, name, default)
