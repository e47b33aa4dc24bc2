"""How is this deployment set up?  Never a rule of the game: those live with each competition."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from competition import environment as env
from competition import secret

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("GAUNTLET_VAR", str(BASE_DIR / "var"))).resolve()
STORE_DIR = VAR_DIR / "store"
BUNDLE_DIR = VAR_DIR / "bundles"
LOG_DIR = VAR_DIR / "log"

DEBUG = env.flag("GAUNTLET_DEBUG")
# Lets fetches reach http:// on loopback, where the demo's own miners are served.
DEMO = env.flag("GAUNTLET_DEMO")
# Answers whenever our own network is up. Asked when a miner's host does not answer, so that our outage is not theirs.
FETCH_WITNESS = env.text("GAUNTLET_FETCH_WITNESS", "" if DEMO else "github.com:443")
SECRET_KEY = env.text("GAUNTLET_SECRET_KEY") or secret.once(VAR_DIR / "secret_key")

ORIGIN = env.origin("GAUNTLET_ORIGIN", "http://127.0.0.1:8000")
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", *env.names("GAUNTLET_HOSTS")]
if urlsplit(ORIGIN).hostname not in ALLOWED_HOSTS:
    ALLOWED_HOSTS.append(str(urlsplit(ORIGIN).hostname))
CSRF_TRUSTED_ORIGINS = [ORIGIN]
SERVED_BY_HTTPS = ORIGIN.startswith("https://")

INSTALLED_APPS = [
    "dashboard.reviewing.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "competition",
    "judging",
    "audits",
    "dashboard",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "competition.headers.ContentSecurity",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
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
EMBEDDED_POSTGRES = not env.text("DATABASE_URL")
EMBEDDED_POSTGRES_OPTIONS = ["max_connections=200", "jit=off"]
DATABASES = {
    "default": {"ENGINE": "competition.database", "NAME": "gauntlet"}
    if EMBEDDED_POSTGRES
    else env.database("DATABASE_URL")
}
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": env.number("GAUNTLET_DATABASE_POOL", 16),
    "timeout": 15,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: dramatiq messages travel through the same PostgreSQL. Tests set "stub://".
BROKER_URL = env.text("BROKER_URL")

# A worker that died or stalled loses its row after this; a message that was lost is sent again after this.
LEASE_SECONDS = env.number("GAUNTLET_LEASE_SECONDS", 30)
REKICK_SECONDS = env.number("GAUNTLET_REKICK_SECONDS", 30)
# A process that stalls inside a transaction must not hold the ledger from all others for longer than its lease.
STALLED = f"-c idle_in_transaction_session_timeout={max(10, LEASE_SECONDS)}s"
DATABASES["default"]["OPTIONS"].setdefault("options", STALLED)

# The operator's hotkey (its 32-byte seed in hex, mode 0600) signs checkpoints; made once where there is none.
OPERATOR_KEY_FILE = Path(env.text("GAUNTLET_OPERATOR_KEY", str(VAR_DIR / "operator.key"))).resolve()
# Nodes of the chain that competitions of `bittensor:<netuid>` are played on; only `manage.py runchain` talks to them.
CHAIN_ENDPOINTS = env.names("GAUNTLET_CHAIN_ENDPOINTS")
CHAIN_QUORUM = env.number("GAUNTLET_CHAIN_QUORUM", 2)
CHAIN_POLL_SECONDS = env.number("GAUNTLET_CHAIN_POLL_SECONDS", 12)
CHAIN_TIMEOUT_SECONDS = env.number("GAUNTLET_CHAIN_TIMEOUT_SECONDS", 20)
CHAIN_STALE_SECONDS = env.number("GAUNTLET_CHAIN_STALE_SECONDS", 300)
# Off: the weights are shown and published, and nothing is sent.
CHAIN_SETS_WEIGHTS = env.flag("GAUNTLET_CHAIN_SETS_WEIGHTS")

# Who is asked for the value of a public beacon; its signature is checked, so any relay will do.
BEACON_URLS = env.names("GAUNTLET_BEACON_URLS") or ["https://api.drand.sh", "https://drand.cloudflare.com"]

# Where the `local` pod provider finds miners' repositories, and where it keeps its pods.
LOCAL_REPOSITORIES = Path(env.text("GAUNTLET_LOCAL_REPOSITORIES", str(VAR_DIR / "repositories"))).resolve()
PODS_DIR = VAR_DIR / "pods"
# The git host that revealed repositories are fetched from, such as https://github.com. Empty: the folders above.
CODE_HOST = env.text("GAUNTLET_CODE_HOST")
# Pods `docker` and builds: the Docker Engine of a GPU host, and our small gate image on it, by digest.
DOCKER_URL = env.text("GAUNTLET_DOCKER_URL")
DOCKER_GATE = env.text("GAUNTLET_DOCKER_GATE")
DOCKER_ADDRESS = env.text("GAUNTLET_DOCKER_ADDRESS", "127.0.0.1")
DOCKER_EGRESS = env.text("GAUNTLET_DOCKER_EGRESS")
DOCKER_GPUS = env.number("GAUNTLET_DOCKER_GPUS", 1)
# A registry that built images are pushed to, for machines other than the builder's; its key as "user:password".
REGISTRY = env.text("GAUNTLET_REGISTRY")
REGISTRY_KEY = env.text("GAUNTLET_REGISTRY_KEY")
# Pods `runpod`: a rented GPU each; the pictures are fetched from this address, with {sha256} in it.
RUNPOD_KEY = env.text("GAUNTLET_RUNPOD_KEY")
RUNPOD_GPUS = env.names("GAUNTLET_RUNPOD_GPUS")
POD_PICTURES = env.text("GAUNTLET_POD_PICTURES")
# A snapshot of the OSV database (the all.zip of PyPI), to look packages up in without asking anybody.
OSV_SNAPSHOT = env.text("GAUNTLET_OSV_SNAPSHOT")

# The browser of the renderer `threejs`; empty: the Chromium that is installed.
CHROMIUM = env.text("GAUNTLET_CHROMIUM")

# The OpenAI-compatible server of the judges `openai:…`; its model is no setting, it belongs to the judge version.
VLM_URL = env.text("GAUNTLET_VLM_URL")
VLM_KEY = env.text("GAUNTLET_VLM_KEY")
VLM_SLOTS = env.number("GAUNTLET_VLM_SLOTS", 32)
VLM_PICTURES = env.text("GAUNTLET_VLM_PICTURES")
# The judges `transformers:…`: a model in the worker's own memory.
VLM_FOLDER = env.text("GAUNTLET_VLM_FOLDER")
VLM_DEVICE = env.text("GAUNTLET_VLM_DEVICE")
VLM_BATCH = env.number("GAUNTLET_VLM_BATCH", 8)

# Notices by e-mail: smtp://user:password@host:587 (smtp+tls://, smtp+ssl://), and whom they come from.
EMAIL_SENDER = env.text("GAUNTLET_EMAIL_FROM") if env.text("GAUNTLET_EMAIL_URL") else ""
vars().update(env.mail("GAUNTLET_EMAIL_URL"))
EMAIL_TIMEOUT = 20

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

# Who signs in is staff: five wrong passwords for a name from one address lock that pair for a quarter of an hour.
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Gauntlet"
LOGIN_URL = "sign-in"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_EXPIRE_AT_BROWSER_CLOSE = True

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
SPECTACULAR_SETTINGS = {
    "TITLE": "Gauntlet",
    "DESCRIPTION": "Read everything a competition publishes, and take part in it with a hotkey.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "PREPROCESSING_HOOKS": ["dashboard.api.schema.ours"],
    "POSTPROCESSING_HOOKS": ["dashboard.api.schema.finished"],
}
# What the API answers: requests a minute from one address (in each web process) and from one hotkey; seconds that one
# question may keep the database busy; proxies of our own in front, whose word on a visitor's address is taken.
API_REQUESTS_PER_MINUTE = env.number("GAUNTLET_API_REQUESTS_PER_MINUTE", 600)
API_SIGNED_PER_MINUTE = env.number("GAUNTLET_API_SIGNED_PER_MINUTE", 120)
API_QUERY_SECONDS = env.number("GAUNTLET_API_QUERY_SECONDS", 5)
# Threads of a web process that connections of one address may have at a time; behind a proxy all come from its address.
WEB_SHARE = env.number("GAUNTLET_WEB_SHARE", 8)
API_PROXIES = env.number("GAUNTLET_API_PROXIES", 1) if env.text("GAUNTLET_API_PROXIES") else 0
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
# A settled page is written once in so many seconds while its ledger stands still; 0: at each request.
PAGES_KEPT_SECONDS = env.number("GAUNTLET_PAGES_KEPT_SECONDS", 30)
CACHES = {
    "default": {"BACKEND": LOCMEM},
    "throttles": {"BACKEND": LOCMEM, "LOCATION": "throttles", "OPTIONS": {"MAX_ENTRIES": 50_000}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.text("GAUNTLET_LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "dramatiq": {"level": "WARNING"}, "websockets": {"level": "WARNING"}},
}
