"""All settings, in one file. What an installation may change comes from the environment (README, "Settings").

A value that would break the product is refused here with one sentence, or by a check (`runtime/checks.py`).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
from django.core.exceptions import ImproperlyConfigured

from harness_site import data, databases
from harness_site.environment import env_addresses, env_base_url, env_hosts, env_seconds, env_switch, env_text
from harness_site.version import version

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = version()


# The installation

DATA_DIR = Path(env_text("HARNESS_DATA_DIR", str(BASE_DIR / ".data"))).expanduser().absolute()
WORKSPACE_DIR = (
    Path(env_text("HARNESS_WORKSPACE")).expanduser().absolute() if env_text("HARNESS_WORKSPACE") else None
)
LEASE_SECONDS = env_seconds("HARNESS_LEASE_SECONDS", 30.0, least=0.5)
SWEEP_SECONDS = env_seconds("HARNESS_SWEEP_SECONDS", 15.0, least=0.2)

try:
    data.prepare(DATA_DIR, databases.files(env_text("DATABASE_URL"), env_text("REDIS_URL")))
    SECRET_KEY = env_text("HARNESS_SECRET_KEY") or data.secret_key(DATA_DIR)
except OSError as error:
    raise ImproperlyConfigured(
        f"HARNESS_DATA_DIR is {DATA_DIR}, which cannot be used: {error.strerror}."
    ) from error
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from error

if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "HARNESS_SECRET_KEY is too short, who guesses it can sign in; it must have 32 characters or more."
    )
DEBUG = env_switch("HARNESS_DEBUG")

# Where people reach the product. `up` leaves the address it listens on in the data directory, so that
# a link printed by another command is right, too.
BASE_URL = env_base_url("HARNESS_BASE_URL", data.address(DATA_DIR))
_base = urlsplit(BASE_URL)
SECURE = _base.scheme == "https"

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *env_hosts("HARNESS_ALLOWED_HOSTS")]
if _base.hostname and _base.hostname not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(f"[{_base.hostname}]" if ":" in _base.hostname else _base.hostname)
CSRF_TRUSTED_ORIGINS = [f"{_base.scheme}://{_base.netloc}"]

# Addresses of proxies whose X-Forwarded-For and X-Forwarded-Proto are believed; none unless configured.
TRUSTED_PROXIES = env_addresses("HARNESS_TRUSTED_PROXIES")

# The house

INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig",  # runtime.admin has a site of its own
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "ninja",  # its documentation page then comes from our own static files
    "axes",
    "runtime.apps.RuntimeConfig",
]

CSP_MIDDLEWARE = (
    "django.middleware.csp.ContentSecurityPolicyMiddleware"
    if django.VERSION >= (6, 0)
    else "runtime.web.security.ContentSecurityPolicyMiddleware"
)

MIDDLEWARE = [
    "runtime.api.probes.AnyHostMiddleware",  # first: before the host is looked at
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.gzip.GZipMiddleware",  # a page of 50 rows is 90 KB, 15 KB on the way
    CSP_MIDDLEWARE,
    "runtime.api.problems.ProblemMiddleware",
    "runtime.web.nul.NulMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "runtime.web.denials.DenialMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",  # last: turns a refused sign-in into its answer
]

ROOT_URLCONF = "harness_site.urls"
ASGI_APPLICATION = "harness_site.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "runtime.web.page.context",
            ],
            "builtins": ["django.templatetags.static", "runtime.web.tags"],
        },
    },
]

# Records and queue

DATABASES: dict[str, dict[str, Any]] = {"default": databases.records(env_text("DATABASE_URL"), DATA_DIR)}
REDIS_URL = databases.redis(env_text("REDIS_URL"))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Language, time, files

LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True  # served from where they are; no collecting step
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024  # a request's body
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000

# Sign-in

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: refuses before a password is looked at
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "runtime.access.LinksEnd"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/sign-in/"

# Five wrong passwords for one account from one address close that pair for a quarter of an hour. The pair, so
# that nobody can lock another person out from elsewhere. Fifty from one address, for whatever names, close
# the address as long: a high limit, because many people may share one.
AXES_HANDLER = "runtime.web.throttle.Throttle"
ADDRESS_FAILURE_LIMIT = 50
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "next"]  # not kept, not logged
AXES_LOCKOUT_CALLABLE = "runtime.web.sign_in.locked_out"

# Cookies and headers

SESSION_COOKIE_NAME = "harness_session"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "runtime.web.errors.csrf_failed"
CSRF_COOKIE_SECURE = SECURE
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE else 0
X_FRAME_OPTIONS = "DENY"
SECURE_CSP: dict[str, list[str]] = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}

SILENCED_SYSTEM_CHECKS = [
    # The server speaks plain HTTP behind a proxy that ends TLS; redirecting to https is the proxy's part.
    "security.W008",
    # Other hosts below or beside this one are not ours to speak for.
    "security.W005",
    "security.W021",
]

# What it says, to stderr

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "plain": {
            "()": "runtime.log.Formatter",
            "format": "%(asctime)s %(levelname)s %(name)s%(about)s: %(message)s",
        },
        "json": {"()": "runtime.log.JsonFormatter"},
    },
    "filters": {"probes": {"()": "runtime.log.NoProbes"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": "json" if env_switch("HARNESS_LOG_JSON") else "plain",
        }
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "runtime": {"level": "INFO"},
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # 4xx are answers, not news; why /readyz says 503 is said by runtime.api.probes, once.
        "django.request": {"level": "ERROR", "filters": ["probes"]},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "axes": {"level": "ERROR"},  # a wrong password is said by runtime.web.sign_in, with the address
        "huey": {"level": "WARNING"},
    },
}
