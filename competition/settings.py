"""How is this deployment set up?  Never a rule of the game: those live with each competition."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from core import environment as env
from core import secret

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = env.folder("GAUNTLET_VAR", BASE_DIR / "var")
STORE_DIR = VAR_DIR / "store"
BUNDLE_DIR = VAR_DIR / "bundles"
LOG_DIR = VAR_DIR / "log"

DEBUG = env.flag("GAUNTLET_DEBUG")
# Lets fetches reach http:// on loopback, where the demo's own miners are served.
DEMO = env.flag("GAUNTLET_DEMO")
# Answers whenever our own network is up. Asked when a miner's host does not answer, so that our outage is not theirs.
WITNESS = env.matching(
    "GAUNTLET_FETCH_WITNESS",
    "none" if DEMO else "github.com:443",
    must="host:port, or none",
    fits=lambda value: value == "none" or env.is_witness(value),
)
FETCH_WITNESS = "" if WITNESS == "none" else WITNESS
SECRET_KEY = env.matching(
    "GAUNTLET_SECRET_KEY",
    must="at least 32 characters, or empty",
    fits=lambda value: len(value) >= 32,
    secret=True,
) or secret.once(VAR_DIR / "secret_key")

ORIGIN = env.origin("GAUNTLET_ORIGIN", "http://127.0.0.1:8000")
ALLOWED_HOSTS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    *env.listed("GAUNTLET_HOSTS", must="host names separated by commas, or empty", fits=env.is_host),
]
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
    "core.web.headers.ContentSecurity",
    "dashboard.doors.front_door.FrontDoor",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "dashboard.reviewing.sessions.EndOfSessions",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
    "dashboard.doors.damaged.DamagedFiles",
]
ROOT_URLCONF = "dashboard.urls"
WSGI_APPLICATION = "competition.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    ["dashboard.pages.template_loader.Loader", "django.template.loaders.app_directories.Loader"],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# Without DATABASE_URL the database is our own PostgreSQL in VAR_DIR, started by the first connection.
DATABASES: dict[str, Any] = {
    "default": env.database("DATABASE_URL") or {"ENGINE": "core.postgres.backend", "NAME": "gauntlet"}
}
EMBEDDED_POSTGRES = DATABASES["default"]["ENGINE"] == "core.postgres.backend"
EMBEDDED_POSTGRES_OPTIONS = ["max_connections=200", "jit=off"]
# Who owns the tables of DATABASE_URL: only `manage.py migrate` connects as this role.
DATABASE_OWNER = env.database("DATABASE_OWNER_URL")
DATABASES["default"] |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
    "min_size": 1,
    "max_size": env.number("GAUNTLET_DATABASE_POOL", 16, most=1000),
    "timeout": 15,
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Empty: dramatiq messages travel through the same PostgreSQL. Tests set "stub://".
BROKER_URL = env.broker("BROKER_URL")

# A worker that died or stalled loses its row after this; a message that was lost is sent again after this.
LEASE_SECONDS = env.number("GAUNTLET_LEASE_SECONDS", 30, most=3600)
REKICK_SECONDS = env.number("GAUNTLET_REKICK_SECONDS", 30, most=3600)
# A process that stalls inside a transaction must not hold the ledger from all others for longer than its lease.
STALLED = f"-c idle_in_transaction_session_timeout={max(10, LEASE_SECONDS)}s"
DATABASES["default"]["OPTIONS"].setdefault("options", STALLED)

# The operator's hotkey (its 32-byte seed in hex, mode 0600) signs checkpoints; made once where there is none.
OPERATOR_KEY_FILE = env.path("GAUNTLET_OPERATOR_KEY", VAR_DIR / "operator.key")
# What the standalone verifier may take for one bundle before it is signed or paid for.
VERIFY_SECONDS = env.number("GAUNTLET_VERIFY_SECONDS", 900, most=1700)
VERIFY_MEGABYTES = env.number("GAUNTLET_VERIFY_MEGABYTES", 8192, most=1_000_000)
# Nodes of the chain that competitions of `bittensor:<netuid>` are played on; only `manage.py runchain` talks to them.
CHAIN_ENDPOINTS = env.listed(
    "GAUNTLET_CHAIN_ENDPOINTS",
    must="wss:// (or ws://) addresses separated by commas, or empty",
    fits=lambda value: env.address(value, "wss", "ws"),
)
CHAIN_QUORUM = env.number("GAUNTLET_CHAIN_QUORUM", 2, most=100)
if CHAIN_ENDPOINTS and len(set(CHAIN_ENDPOINTS)) < CHAIN_QUORUM:
    raise ImproperlyConfigured(
        f"GAUNTLET_CHAIN_QUORUM must be at most the number of GAUNTLET_CHAIN_ENDPOINTS, "
        f"{len(set(CHAIN_ENDPOINTS))}, not {CHAIN_QUORUM}"
    )
CHAIN_POLL_SECONDS = env.number("GAUNTLET_CHAIN_POLL_SECONDS", 12, most=3600)
CHAIN_TIMEOUT_SECONDS = env.number("GAUNTLET_CHAIN_TIMEOUT_SECONDS", 20, most=3600)
CHAIN_STALE_SECONDS = env.number("GAUNTLET_CHAIN_STALE_SECONDS", 300, most=86400)
# Off: the weights are shown and published, and nothing is sent.
CHAIN_SETS_WEIGHTS = env.flag("GAUNTLET_CHAIN_SETS_WEIGHTS")

# Who is asked for the value of a public beacon; its signature is checked, so any relay will do.
BEACON_URLS = env.listed(
    "GAUNTLET_BEACON_URLS",
    must="https:// addresses separated by commas (http:// on loopback)",
    fits=env.is_https,
    default=("https://api.drand.sh", "https://drand.cloudflare.com"),
)

# Where the `local` pod provider finds miners' repositories, and where it keeps its pods.
LOCAL_REPOSITORIES = env.folder("GAUNTLET_LOCAL_REPOSITORIES", VAR_DIR / "repositories", made=False)
PODS_DIR = VAR_DIR / "pods"
# The git host that revealed repositories are fetched from, such as https://github.com. Empty: the folders above.
CODE_HOST = env.matching(
    "GAUNTLET_CODE_HOST",
    must="an address such as https://github.com (http:// on loopback in the demo), or empty",
    fits=lambda value: env.is_git_host(value) and (DEMO or value.startswith("https:")),
)
# Code that this host hands out whenever it is well. Asked when a miner's is not to be had: an outage is not theirs.
CODE_WITNESS = env.matching(
    "GAUNTLET_CODE_WITNESS",
    "octocat/Hello-World@7fd1a60b01f91b314f59955a4e4d4e80d8edf11d" if CODE_HOST == "https://github.com" else "none",
    must="owner/name@commit, or none",
    fits=lambda value: value == "none" or env.is_commit_of_a_repository(value),
)
CODE_WITNESS = "" if CODE_WITNESS == "none" else CODE_WITNESS
# A linter of recipes that whoever wants its advice installs beside. Empty: `hadolint`, where programs are looked for.
HADOLINT = env.matching(
    "GAUNTLET_HADOLINT",
    must="the name of a program, or a path that begins with /, or empty",
    fits=lambda value: value.startswith("/") or "/" not in value,
)
# Pods `docker` and builds: the Docker Engine of a GPU host, and our small gate image on it, by digest.
DOCKER_URL = env.matching(
    "GAUNTLET_DOCKER_URL",
    must="unix:///var/run/docker.sock, an address such as https://host:2376, or empty",
    fits=env.is_engine,
)
DOCKER_GATE = env.matching(
    "GAUNTLET_DOCKER_GATE",
    must="an image by digest, such as registry.example.org/gauntlet@sha256:<64 hex digits>, or empty",
    fits=re.compile(r"([a-zA-Z0-9][a-zA-Z0-9._:/-]*@)?sha256:[0-9a-f]{64}").fullmatch,
)
DOCKER_ADDRESS = env.matching(
    "GAUNTLET_DOCKER_ADDRESS", "127.0.0.1", must="an IP address or a host name", fits=env.is_host
)
NETWORK_NAME = re.compile("[a-zA-Z0-9][a-zA-Z0-9_.-]*")
DOCKER_EGRESS = env.matching(
    "GAUNTLET_DOCKER_EGRESS", must="the name of a Docker network, or empty", fits=NETWORK_NAME.fullmatch
)
DOCKER_GPUS = env.number("GAUNTLET_DOCKER_GPUS", 1, least=0, most=64)
# A registry that built images are pushed to, for machines other than the builder's; its key as "user:password".
REGISTRY = env.matching(
    "GAUNTLET_REGISTRY",
    must="host/repository, such as registry.example.org/solutions, or empty",
    fits=re.compile("[a-z0-9][a-z0-9.-]*(:[0-9]{1,5})?(/[a-z0-9][a-z0-9._-]*)+").fullmatch,
)
REGISTRY_KEY = env.matching(
    "GAUNTLET_REGISTRY_KEY", must="user:password, or empty", fits=re.compile("[^:]+:.+").fullmatch, secret=True
)
# Rented pods: a kind of GPU by its cloud's name, and what it costs, in USD an hour.
KIND_OF_GPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()/-]*(=[0-9]{1,3}([.][0-9]{1,4})?)?")
KINDS_OF_GPU = "kinds of GPU separated by commas, each alone or with a price, such as H200=2.49, or empty"
RUNPOD_KEY = env.word("GAUNTLET_RUNPOD_KEY")
RUNPOD_GPUS = env.listed("GAUNTLET_RUNPOD_GPUS", must=KINDS_OF_GPU, fits=KIND_OF_GPU.fullmatch)
VERDA_CLIENT = env.word("GAUNTLET_VERDA_CLIENT")
VERDA_SECRET = env.word("GAUNTLET_VERDA_SECRET")
VERDA_INFERENCE_KEY = env.word("GAUNTLET_VERDA_INFERENCE_KEY")
VERDA_GPUS = env.listed("GAUNTLET_VERDA_GPUS", must=KINDS_OF_GPU, fits=KIND_OF_GPU.fullmatch)
TARGON_KEY = env.word("GAUNTLET_TARGON_KEY")
TARGON_GPUS = env.listed("GAUNTLET_TARGON_GPUS", must=KINDS_OF_GPU, fits=KIND_OF_GPU.fullmatch)
RENTABLE = {
    "runpod": (RUNPOD_GPUS, RUNPOD_KEY),
    "targon": (TARGON_GPUS, TARGON_KEY),
    "verda": (VERDA_GPUS, VERDA_CLIENT, VERDA_SECRET, VERDA_INFERENCE_KEY),
}
RENTED = env.listed(
    "GAUNTLET_RENTED",
    must="names among runpod, targon and verda separated by commas, each with its keys and GAUNTLET_<NAME>_GPUS set"
    " and a price for each kind there, or empty",
    fits=lambda name: all(RENTABLE.get(name, [()])) and all("=" in kind for kind in RENTABLE[name][0]),
)
# The pictures are fetched from this address by rented pods, with {sha256} in it.
POD_PICTURES = env.matching(
    "GAUNTLET_POD_PICTURES",
    must="an http(s) address with {sha256} (and {suffix}) in it, or empty",
    fits=lambda value: env.is_pattern(value, files=False, names=("sha256", "suffix")),
)
# A snapshot of the OSV database (the all.zip of PyPI), to look packages up in without asking anybody.
OSV_SNAPSHOT = env.existing("GAUNTLET_OSV_SNAPSHOT", kind="file")

# The browser of the renderer `threejs`; empty: the Chromium that is installed.
CHROMIUM = env.matching(
    "GAUNTLET_CHROMIUM",
    must="the name of a program, or a path that begins with /, or empty",
    fits=lambda value: value.startswith("/") or "/" not in value,
)

# The OpenAI-compatible server of the judges `openai:…`; its model is no setting, it belongs to the judge version.
VLM_URL = env.matching(
    "GAUNTLET_VLM_URL",
    must="an http(s) address without /v1, or empty",
    fits=lambda value: env.is_web(value) and not value.rstrip("/").endswith("/v1"),
)
# Where one judge's server is, if not there: a panel asks two of them.
VLM_URLS = env.by_name(
    "GAUNTLET_VLM_URLS",
    must="VERSION=ADDRESS, each an http(s) address without /v1, separated by commas, or empty",
    fits=lambda value: env.is_web(value) and not value.rstrip("/").endswith("/v1"),
)
# The revision and the licence of judge versions that leave them to the operator.
VLM_PINS = {
    name: (value.partition(":")[0], value.partition(":")[2])
    for name, value in env.by_name(
        "GAUNTLET_VLM_PINS",
        must="VERSION=REVISION:LICENCE, each a revision of 40 hex digits, separated by commas, or empty",
        fits=re.compile("[0-9a-f]{40}:[A-Za-z0-9.+-]{1,60}").fullmatch,
    ).items()
}
VLM_KEY = env.word("GAUNTLET_VLM_KEY")
VLM_SLOTS = env.number("GAUNTLET_VLM_SLOTS", 32, most=1024)
VLM_PICTURES = env.matching(
    "GAUNTLET_VLM_PICTURES",
    must="an http(s) or file:/// address with {sha256} in it, or empty",
    fits=lambda value: env.is_pattern(value, files=True),
)
# The judges `transformers:…`: a model in the worker's own memory.
VLM_FOLDER = env.existing("GAUNTLET_VLM_FOLDER", kind="folder")
VLM_DEVICE = env.matching(
    "GAUNTLET_VLM_DEVICE",
    must="cpu, cuda, cuda:<number>, or empty",
    fits=re.compile("cpu|cuda(:[0-9]{1,2})?").fullmatch,
)
VLM_BATCH = env.number("GAUNTLET_VLM_BATCH", 8, most=1024)

# What a round's costs are counted by, in USD; pods bring their own prices.
JUDGE_GPUS = env.number("GAUNTLET_JUDGE_GPUS", 1, most=4096)
PRICE_GPU_HOUR = env.price("GAUNTLET_PRICE_GPU_HOUR")
PRICE_TOKENS_READ = env.price("GAUNTLET_PRICE_TOKENS_READ")
PRICE_TOKENS_WRITTEN = env.price("GAUNTLET_PRICE_TOKENS_WRITTEN")
PRICE_CPU_HOUR = env.price("GAUNTLET_PRICE_CPU_HOUR")
PRICE_GIGABYTE_MONTH = env.price("GAUNTLET_PRICE_GIGABYTE_MONTH")

# Notices by e-mail: smtp://user:password@host:587 (smtp+tls://, smtp+ssl://), and whom they come from.
EMAIL_FROM = env.matching("GAUNTLET_EMAIL_FROM", must="an e-mail address, or empty", fits=env.EMAIL.fullmatch)
MAIL = env.mail("GAUNTLET_EMAIL_URL", sender=EMAIL_FROM)
EMAIL_SENDER = EMAIL_FROM if MAIL else ""
vars().update(MAIL)
EMAIL_TIMEOUT = 20

LANGUAGE_CODE = "en-gb"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "core.web.staticfiles.Fingerprinted"},
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
AXES_CLIENT_IP_CALLABLE = "dashboard.reviewing.signing_in.counted_address"
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
    "POSTPROCESSING_HOOKS": ["dashboard.api.schema.with_examples"],
}
# What the API answers: requests a minute from one address (in each web process) and from one hotkey; seconds that one
# question may keep the database busy.
API_REQUESTS_PER_MINUTE = env.number("GAUNTLET_API_REQUESTS_PER_MINUTE", 600, most=100_000_000)
API_SIGNED_PER_MINUTE = env.number("GAUNTLET_API_SIGNED_PER_MINUTE", 120, most=100_000_000)
API_QUERY_SECONDS = env.number("GAUNTLET_API_QUERY_SECONDS", 5, most=3600)
# Threads of a web process that connections of one address may have at a time; behind a proxy all come from its address.
WEB_THREADS = 32
WEB_SHARE = env.number("GAUNTLET_WEB_SHARE", 8, most=WEB_THREADS)
# Proxies of our own in front, and the addresses they connect from: what others say of a visitor counts for nothing.
API_PROXIES = env.number("GAUNTLET_API_PROXIES", 0, least=0, most=16)
PROXY_ADDRESSES = env.listed(
    "GAUNTLET_PROXY_ADDRESSES",
    must="IP addresses or networks separated by commas",
    fits=env.is_network,
    default=("127.0.0.0/8", "::1"),
)
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000

LOCMEM = "django.core.cache.backends.locmem.LocMemCache"
# A settled page is written once in so many seconds while its ledger stands still; 0: at each request.
PAGES_KEPT_SECONDS = env.number("GAUNTLET_PAGES_KEPT_SECONDS", 30, least=0, most=86400)
CACHES = {
    "default": {"BACKEND": LOCMEM},
    "throttles": {"BACKEND": LOCMEM, "LOCATION": "throttles", "OPTIONS": {"MAX_ENTRIES": 50_000}},
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "filters": {"refusals": {"()": "core.web.log_filters.NoTraceOfRefusals"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["refusals"]}},
    "root": {"handlers": ["stderr"], "level": env.level("GAUNTLET_LOG_LEVEL", "INFO")},
    "loggers": {"httpx": {"level": "WARNING"}, "dramatiq": {"level": "WARNING"}, "websockets": {"level": "WARNING"}},
}
