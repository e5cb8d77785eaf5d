"""Django settings. All that an installation can change comes from realtime_project/env.py."""

from datetime import timedelta

from corsheaders.defaults import default_headers
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from realtime_project import data_folder, logs
from realtime_project.env import PROJECT_ROOT, load

ENVIRONMENT = load()

VERSION = "0.1.0"
BASE_DIR = PROJECT_ROOT
DATA_DIR = ENVIRONMENT.data_dir
data_folder.close_to_others(DATA_DIR)
EMBEDDED = ENVIRONMENT.embedded
PITWALL_DEMO = ENVIRONMENT.demo
DEBUG = ENVIRONMENT.debug
SECRET_KEY = ENVIRONMENT.secret_key
ALLOWED_HOSTS = ENVIRONMENT.allowed_hosts
CSRF_TRUSTED_ORIGINS = ENVIRONMENT.csrf_trusted_origins
# What links in mails begin with. Never the Host of a request, which its sender chooses.
PUBLIC_ORIGIN = ENVIRONMENT.origin_at(ENVIRONMENT.host, ENVIRONMENT.port)
CORS_ALLOWED_ORIGINS = ENVIRONMENT.cors_allowed_origins
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = (*default_headers, "if-none-match", "if-range", "range", "x-request-id")
# A page of another origin sees only these headers of an answer, and a few that are always safe.
CORS_EXPOSE_HEADERS = (
    "Accept-Ranges",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Process-Time",
    "X-Request-ID",
)
TRUSTED_PROXIES = ENVIRONMENT.trusted_proxies

INSTALLED_APPS = [
    # Before channels, because it extends the runworker command.
    "realtime",
    "accounts",
    "daphne",
    "channels",
    "realtime_project.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "servestatic",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "csp",
    "django_vite",
    "notifications",
    "dashboard",
    "chat",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "csp.middleware.CSPMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "realtime.http.error_pages.BareAnswers",
    "accounts.middleware.SessionActivityMiddleware",
    "accounts.middleware.ActorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "realtime.http.refusals.RefusalPages",
]

ROOT_URLCONF = "realtime_project.urls"
ASGI_APPLICATION = "realtime_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "accounts.shell.context_processors.shell",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------
SERVICE_THREADS = ENVIRONMENT.service_threads
SEND_THREADS = ENVIRONMENT.send_threads
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": ENVIRONMENT.database}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"] |= {
        "ENGINE": "realtime.database.sqlite",
        "OPTIONS": {
            # A transaction takes the write lock when it begins: no lock upgrade can fail half-way.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            # NORMAL: a commit survives a crash of the process; a power failure may lose the last
            # few, but never corrupts the file (sqlite.org/pragma.html#pragma_synchronous).
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        },
        # A file, since service threads need their own connections to the same database.
        "TEST": {"NAME": str(DATA_DIR / "test.sqlite3")},
    }
else:
    DATABASES["default"]["ENGINE"] = "django.db.backends.postgresql"
    # Checks each connection that the pool gives: after an outage it still holds dead ones.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"]["OPTIONS"] = {
        # Sized for the threads that can query at once: service threads, plus HTTP requests.
        # The pool retries a lost database with exponential backoff. It gives up after 3 s, so that
        # the next request starts over instead of waiting out a long pause.
        "pool": {
            "min_size": 1,
            "max_size": SERVICE_THREADS + 16,
            "timeout": 10,
            "reconnect_timeout": 3,
        },
        "connect_timeout": 5,
    }

# No MEDIA_URL: uploaded files are served only by views, which check the user's access.
UPLOADS_DIR = DATA_DIR / "uploads"
# Folders with files that belong to database rows; `manage.py backup` includes them.
BACKUP_FOLDERS = [UPLOADS_DIR]

# --- Redis: channel layer and cache ---------------------------------------------------------
REDIS_URL = ENVIRONMENT.redis_url
if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            # redis-py's own timeout would disconnect the subscriber of a quiet process.
            "CONFIG": {
                "hosts": [{"address": REDIS_URL, "socket_timeout": None}],
                "prefix": ENVIRONMENT.redis_prefix,
            },
        }
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "KEY_PREFIX": ENVIRONMENT.redis_prefix,
        }
    }
else:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            # The Hub's single channel carries all messages of the process.
            # Groups expire by the wall clock, which goes on while the machine sleeps.
            "CONFIG": {"capacity": 100_000, "group_expiry": 10 * 365 * 86400},
        }
    }
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Real time ------------------------------------------------------------------------------
REALTIME_AUTHENTICATE = "accounts.login.authentication.authenticate"
REALTIME_AUTHENTICATE_SESSIONS = "accounts.login.authentication.authenticate_sessions"
REALTIME_RECHECK = "accounts.login.authentication.recheck"
REALTIME_TOUCH = "accounts.services.touch"
REALTIME_LIMITS = ENVIRONMENT.limits
QUOTAS = ENVIRONMENT.quotas
# Time for which a client can resume a log stream without a snapshot.
EVENT_RETENTION = timedelta(days=ENVIRONMENT.event_retention_days)
# Time that notifications are kept after they have been read.
NOTIFICATION_RETENTION = timedelta(days=ENVIRONMENT.notification_retention_days)
# Time that a worker's commands and their outcomes are kept after they have been settled.
INBOX_RETENTION = timedelta(days=ENVIRONMENT.inbox_retention_days)
# Time that entries of the audit log are kept.
AUDIT_RETENTION = timedelta(days=ENVIRONMENT.audit_retention_days)
WORKERS_INSIDE = ENVIRONMENT.workers == "inside"

# --- Accounts -------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "accounts.backends.UsernameOrEmailBackend",
]
PASSWORD_HASHERS = [
    "accounts.hashing.Argon2",
    "accounts.hashing.PBKDF2",
]
# Limits of sign-ins: tries, waits, how many passwords are checked at once.
LOGIN_LIMITS = ENVIRONMENT.login_limits
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:login"
PASSWORD_RESET_TIMEOUT = 3600
SESSION_COOKIE_AGE = 14 * 24 * 3600
SERVED_OVER_TLS = bool(CSRF_TRUSTED_ORIGINS) and all(
    origin.startswith("https://") for origin in CSRF_TRUSTED_ORIGINS
)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_OVER_TLS

# --- REST -----------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "realtime.http.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "realtime.http.problems.problem_exception_handler",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["realtime.http.bodies.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.login.rest_authentication.BearerAuthentication",
        "accounts.login.rest_authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": [
        "accounts.login.throttling.AddressThrottle",
        "accounts.login.throttling.UserThrottle",
        "accounts.login.throttling.ScopeThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "address": "60/minute",
        "user": "1200/minute",
        "token": "30/minute",
        "ws-ticket": "120/minute",
        "samples": "600/minute",
    },
    # REMOTE_ADDR is already the client's (TRUSTED_PROXIES); headers are not read again.
    "NUM_PROXIES": 0,
    # `format` is a parameter like any other unknown one: answers are JSON.
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pitwall",
    "VERSION": "1",
    "DESCRIPTION": (
        "The REST API of Pitwall. Every refusal is a problem document (RFC 9457). Lists that grow "
        "come in pages. Every answer has the headers `X-Request-ID` and `X-Process-Time` "
        "(seconds), and says with `RateLimit` how many requests are left. A query parameter that "
        "an operation does not list is refused."
    ),
    "LICENSE": {"name": "BSD-3-Clause"},
    "OAS_VERSION": "3.1.0",
    "TAGS": [
        {"name": "accounts", "description": "Who one is, tokens and tickets, the audit log"},
        {"name": "dashboard", "description": "Metrics, their history, samples"},
        {"name": "chat", "description": "Rooms, messages, files, search"},
        {"name": "notifications", "description": "What one is told"},
        {"name": "health", "description": "For supervisors and load balancers; no credentials"},
    ],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_PATCH": False,
    "PATH_CONVERTER_OVERRIDES": {"row": {"type": "integer", "minimum": 0}},
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "realtime.http.openapi.add_shared_parts",
    ],
    "APPEND_COMPONENTS": {
        "parameters": {
            "workspace": {
                "name": "workspace",
                "in": "query",
                "schema": {"type": "string"},
                "description": "Slug of the workspace; the user's default one unless given.",
            }
        }
    },
    "SERVE_INCLUDE_SCHEMA": False,
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=15),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "SIGNING_KEY": SECRET_KEY,
}

# --- Security headers -----------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# A browser that has seen this installation over TLS does not try it without for so long.
SECURE_HSTS_SECONDS = 365 * 86400 if SERVED_OVER_TLS else 0

# --- Pages, languages, files ----------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
SERVESTATIC_USE_FINDERS = True
SERVESTATIC_AUTOREFRESH = False
# Vite puts a hash of the content into the file names under assets/.
SERVESTATIC_IMMUTABLE_FILE_TEST = r"/dist/assets/"
DJANGO_VITE = {
    "default": {
        "manifest_path": BASE_DIR / "static" / "dist" / ".vite" / "manifest.json",
        "static_url_prefix": "dist",
    }
}

MAX_UPLOAD_BYTES = ENVIRONMENT.max_upload_bytes
# The largest upload plus the rest of its form.
MAX_REQUEST_BYTES = MAX_UPLOAD_BYTES + 2**20
# The largest body that holds no file.
MAX_BODY_BYTES = DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440

# --- Mail and logs --------------------------------------------------------------------------
if ENVIRONMENT.email:
    globals().update(ENVIRONMENT.email)
elif EMBEDDED:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DATA_DIR / "mail"
else:
    EMAIL_BACKEND = "realtime_project.mail.NoMailServer"
LOGGING_CONFIG = "realtime_project.logs.configure"
LOGGING = logs.configuration(ENVIRONMENT.log_format)
