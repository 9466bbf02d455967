"""Settings from the environment; a missing one stops the start with its name. `.env.example` lists them all."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import embedded, logs
from config.environment import BASE_DIR, env, on_this_machine, required, required_where_served, var_dir
from config.environment import embedded as is_embedded
from config.file_storage import file_storage

VAR_DIR = var_dir()
EMBEDDED = is_embedded()
LOCAL = on_this_machine()

DEBUG = env.bool("DEBUG", False)
SECRET_KEY = required("SECRET_KEY", should_be="a random text of at least 50 characters that nobody else knows")
FIELD_KEYS = [
    key.strip()
    for key in required(
        "FIELD_KEYS",
        should_be="Fernet keys separated by commas, newest first; "
        'make one with python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"',
    ).split(",")
]
HASH_KEY = required("HASH_KEY", should_be="a random text that keys the look-up of phones and IDs; never change it")
ALLOWED_HOSTS = required_where_served(
    "ALLOWED_HOSTS",
    should_be="the host names people type, separated by commas",
    local_default="localhost,127.0.0.1,[::1],testserver",
).split(",")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
HTTPS = env.bool("HTTPS", not LOCAL and not DEBUG)

# --- databases: the application's role owns nothing; the owner's role migrates --------------------------------------

if EMBEDDED:
    _application = embedded.database(VAR_DIR, role=embedded.APPLICATION_ROLE)
    _owner = embedded.database(VAR_DIR, role=embedded.OWNER_ROLE)
else:
    _application = env.db_url("DATABASE_URL")
    required(
        "MIGRATION_DATABASE_URL",
        should_be="postgresql://arrears_owner:password@host:5432/arrears, the role that owns the tables",
    )
    _owner = env.db_url("MIGRATION_DATABASE_URL")
_pool = {"min_size": 2, "max_size": env.int("DATABASE_POOL_SIZE", 10), "timeout": 10}
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        **_application,
        "OPTIONS": {"pool": _pool} if env.bool("DATABASE_POOL", False) else {},
        "TEST": {"MIRROR": "owner"},
    },
    "owner": _owner,
}
APPLICATION_ROLE = DATABASES["default"]["USER"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- broker, tasks and cache ----------------------------------------------------------------------------------------

REDIS_URL = required_where_served(
    "REDIS_URL", should_be="redis://:password@host:6379", local_default=embedded.redis_url(VAR_DIR)
)
_redis_database = env.int("REDIS_DATABASE", 0)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.with_database(REDIS_URL, _redis_database + 1),
    }
}
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL, _redis_database)
CELERY_TIMEZONE = "Asia/Shanghai"
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600, "socket_timeout": 5, "socket_connect_timeout": 3}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "celerybeat-schedule")
# Sweeps: whatever a lost message or a killed worker left behind is found again within a minute.
CELERY_BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "arrears.judge_plans": {"task": "arrears.judge_plans", "schedule": 600.0},
    "arrears.sweep_late_fee_runs": {"task": "arrears.sweep_late_fee_runs", "schedule": 60.0},
    "arrears.sweep_imports": {"task": "arrears.sweep_imports", "schedule": 60.0},
    "collection.apply_playbooks": {"task": "collection.apply_playbooks", "schedule": 60.0},
    "collection.compute_daily_figures": {"task": "collection.compute_daily_figures", "schedule": 600.0},
    "collection.consolidate_evenings": {"task": "collection.consolidate_evenings", "schedule": 300.0},
    "collection.draw_call_backs": {"task": "collection.draw_call_backs", "schedule": 3600.0},
    "collection.follow_ledger": {"task": "collection.follow_ledger", "schedule": 60.0},
    "collection.make_reports": {"task": "collection.make_reports", "schedule": 3600.0},
    "collection.make_photos": {"task": "collection.make_photos", "schedule": 5.0},
    "collection.refresh_outdated": {"task": "collection.refresh_outdated", "schedule": 5.0},
    "collection.remind": {"task": "collection.remind", "schedule": 600.0},
    "collection.take_snapshots": {"task": "collection.take_snapshots", "schedule": 3600.0},
    "collection.warn_of_limitation": {"task": "collection.warn_of_limitation", "schedule": 3600.0},
    "company.mail_notifications": {"task": "company.mail_notifications", "schedule": 60.0},
    "notices.sweep": {"task": "notices.sweep", "schedule": 60.0},
}
# Tasks that are woken after each posting. They find by themselves what was posted.
LEDGER_FOLLOWERS = ["collection.follow_ledger", "notices.follow_ledger"]

# --- what is installed ----------------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "company",
    "owners",
    "arrears",
    "notices",
    "collection",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.forms",
    "config.static_files.StaticFiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "import_export",
    "pgtrigger",
]
MIDDLEWARE = [
    "config.proxies.ClientAddressMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.language.ChosenLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "company.middleware.FirstDutiesMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "company.frame.frame",
            ]
        },
    }
]
FORM_RENDERER = "company.form_rendering.DeskRenderer"
MESSAGE_TAGS = {10: "grey", 20: "blue", 25: "green", 30: "amber", 40: "red"}  # colours of .ad-msg by level

# --- language and time ----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", _("Chinese")), ("en", _("English"))]
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

# --- files ----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.str("STATIC_ROOT", str(VAR_DIR / "static")))
STATICFILES_DIRS = [
    BASE_DIR / "static",
    *[
        (f"vendor/{name}", BASE_DIR / "node_modules" / folder)
        for name, folder in [
            ("tabler/css", "@tabler/core/dist/css"),
            ("tabler/js", "@tabler/core/dist/js"),
            ("tabler-icons", "@tabler/icons-webfont/dist"),
            ("htmx", "htmx.org/dist"),
            ("echarts", "echarts/dist"),
            ("exifreader", "exifreader/dist"),
            ("idb", "idb/build"),
            ("workbox", "workbox-cacheable-response/build"),
            ("workbox", "workbox-core/build"),
            ("workbox", "workbox-expiration/build"),
            ("workbox", "workbox-precaching/build"),
            ("workbox", "workbox-routing/build"),
            ("workbox", "workbox-strategies/build"),
            ("workbox", "workbox-sw/build"),
        ]
    ],
]
# With the manifest, file names carry their hash; it needs collectstatic. Without it files are served where they lie.
STATIC_MANIFEST = env.bool("STATIC_MANIFEST", not LOCAL and not DEBUG)
WHITENOISE_USE_FINDERS = not STATIC_MANIFEST
_static_storage = (
    "config.static_files.HashedFiles" if STATIC_MANIFEST else "django.contrib.staticfiles.storage.StaticFilesStorage"
)
STORAGES = {
    "default": file_storage(),
    "staticfiles": {"BACKEND": _static_storage},
}
MEDIA_ROOT = VAR_DIR / "media"
MEDIA_URL = "/media/"  # nothing is served here: company.views hands files out after a check of rights
FILE_UPLOAD_PERMISSIONS = 0o640
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000  # the assignment board posts one field a case
DATA_UPLOAD_MAX_NUMBER_FILES = 20

# An uploaded workbook is read in a process of its own; beyond these it is refused.
IMPORT_MAX_MB = env.int("IMPORT_MAX_MB", 50)
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", 200_000)
IMPORT_MAX_UNPACKED_MB = env.int("IMPORT_MAX_UNPACKED_MB", 400)
IMPORT_READER_MB = env.int("IMPORT_READER_MB", 512)
IMPORT_READER_SECONDS = env.int("IMPORT_READER_SECONDS", 10)

# An export with the personal data of more people than this needs a second person's consent; a project may set its own.
PERSONAL_EXPORT_LIMIT = env.int("PERSONAL_EXPORT_LIMIT", 500)

# --- signing in -----------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "company.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "company.signin.StaffBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "company.signin.StaffAdapter"
ACCOUNT_FORMS = {"login": "company.forms.SignInForm"}
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True  # SESSION_COOKIE_AGE decides, not a box to tick
ACCOUNT_RATE_LIMITS = {"login": "300/m/ip", "login_failed": ""}  # guesses are counted by account, below
MFA_ADAPTER = "company.signin.SecondFactorAdapter"
MFA_ALLOW_UNVERIFIED_EMAIL = True
REQUIRE_ADMIN_MFA = env.bool("REQUIRE_ADMIN_MFA", not EMBEDDED and not DEBUG)
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]  # an address may be the proxy of a whole office
AXES_USERNAME_CALLABLE = "company.signin.account_key"
AXES_LOCKOUT_CALLABLE = "company.signin.locked_out"
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # asks for locking by address

SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", 12) * 60 * 60
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_HTTPONLY = True

# --- what a browser may do ------------------------------------------------------------------------------------------

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [SELF],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "worker-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- mail and logs --------------------------------------------------------------------------------------------------

vars().update(env.email_url_config(env.str("EMAIL_URL", "") or "consolemail://"))
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "arrears@localhost")
EMAIL_TIMEOUT = 10
LOGGING = logs.configuration(level=env.str("LOG_LEVEL", "INFO"))
