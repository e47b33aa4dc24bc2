"""How is this deployment set up?  Never a rule of the game: those live with each competition."""

from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from competition import secret

env = environ.Env()


def origin(address: str) -> str:
    """`https://example.org` with no path, or a refusal that says what is expected."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise ImproperlyConfigured(f"GAUNTLET_ORIGIN must look like https://example.org, not {address!r}")
    return f"{parts.scheme}://{parts.netloc}"


BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.str("GAUNTLET_VAR", default=str(BASE_DIR / "var"))).resolve()
STORE_DIR = VAR_DIR / "store"
BUNDLE_DIR = VAR_DIR / "bundles"
LOG_DIR = VAR_DIR / "log"

DEBUG = env.bool("GAUNTLET_DEBUG", default=False)
# Lets fetches reach http:// on loopback, where the demo's own miners are served.
DEMO = env.bool("GAUNTLET_DEMO", default=False)
SECRET_KEY = env.str("GAUNTLET_SECRET_KEY", default="") or secret.once(VAR_DIR / "secret_key")

ORIGIN = origin(env.str("GAUNTLET_ORIGIN", default="http://127.0.0.1:8000"))
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.list("GAUNTLET_HOSTS", default=[])]
if urlsplit(ORIGIN).hostname not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(str(urlsplit(ORIGIN).hostname))
CSRF_TRUSTED_ORIGINS = [ORIGIN]
SERVED_BY_HTTPS = ORIGIN.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "competition",
    "judging",
    "audits",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "competition.headers.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "competition.wsgi.application"
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
            ]
        },
    }
]

# Without DATABASE_URL the database is our own PostgreSQL in VAR_DIR, started by the first connection.
EMBEDDED_POSTGRES = not env.str("DATABASE_URL", default="")
EMBEDDED_POSTGRES_OPTIONS = ["max_connections=200", "jit=off"]
DATABASES = {
    "default": {"ENGINE": "competition.database", "NAME": "gauntlet"}
    if EMBEDDED_POSTGRES
    else env.db_url("DATABASE_URL", engine="django.db.backends.postgresql")
}
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": env.int("GAUNTLET_DATABASE_POOL", default=16),
    "timeout": 15,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: dramatiq messages travel through the same PostgreSQL. Tests set "stub://".
BROKER_URL = env.str("BROKER_URL", default="")

# A worker that died holds its row at most this long; a message that was lost is sent again after this.
LEASE_SECONDS_MAX = env.int("GAUNTLET_LEASE_SECONDS", default=300)
REKICK_SECONDS = env.int("GAUNTLET_REKICK_SECONDS", default=30)

# The operator's hotkey (its 32-byte seed in hex, mode 0600) signs checkpoints; made once where there is none.
OPERATOR_KEY_FILE = Path(env.str("GAUNTLET_OPERATOR_KEY", default=str(VAR_DIR / "operator.key")))
# Where the `local` pod provider finds miners' repositories, and where it keeps its pods.
LOCAL_REPOSITORIES = Path(env.str("GAUNTLET_LOCAL_REPOSITORIES", default=str(BASE_DIR / "examples" / "miners")))
PODS_DIR = VAR_DIR / "pods"

# A due row whose message got no worker is announced again after this long.
REKICK_SECONDS = env.int("GAUNTLET_REKICK_SECONDS", default=15)
# No worker owns a row longer than this without being heard of, whatever its step asks for.
LEASE_SECONDS_MAX = env.int("GAUNTLET_LEASE_SECONDS_MAX", default=3600)
OPERATOR_KEY_FILE = Path(env.str("GAUNTLET_OPERATOR_KEY", default=str(VAR_DIR / "operator.key"))).resolve()

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "competition.staticfiles.Fingerprinted"},
}
# Until `collectstatic` has written its manifest, files are served straight from the apps, under their plain names.
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SERVED_BY_HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if SERVED_BY_HTTPS else 0
SECURE_SSL_REDIRECT = False  # the reverse proxy in front does that, and knows which requests came in the clear
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SERVED_BY_HTTPS else None
X_FRAME_OPTIONS = "DENY"
# blob: is how three.js hands a model's own textures to the page; nothing else may come from outside this host.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; connect-src 'self' blob:; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticatedOrReadOnly"],
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("GAUNTLET_LOG_LEVEL", default="INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "dramatiq": {"level": "WARNING"}},
}
