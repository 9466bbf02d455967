"""What makes the desk an application on the phone: its manifest, and the worker that opens it without a network.

The worker has to lie at the root, since it may answer only for what lies below it, and static files do not.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from config.environment import BASE_DIR

WORKER = "js/service_worker.js"
WORKBOX = ("core", "routing", "strategies", "precaching")
OF_LIBRARIES = (
    "vendor/tabler/css/tabler.min.css",
    "vendor/tabler-icons/tabler-icons.min.css",
    "vendor/tabler-icons/fonts/tabler-icons.woff2",
    "vendor/exifreader/exif-reader.js",
    "vendor/htmx/htmx.min.js",
    "vendor/idb/index.js",
)
ICONS = (("icons/desk-192.png", "192x192", "any"), ("icons/desk-512.png", "512x512", "any maskable"))


@require_safe
@login_not_required
def manifest(request: HttpRequest) -> JsonResponse:
    """What a phone shows of the installed application."""
    icons = [{"src": static(n), "sizes": size, "type": "image/png", "purpose": purpose} for n, size, purpose in ICONS]
    told = {
        "id": "/",
        "name": _("Arrears Desk"),
        "short_name": _("Arrears Desk"),
        "description": _("The desk for overdue property fees"),
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f4f6f9",
        "theme_color": "#1d5fb8",
        "icons": icons,
    }
    return JsonResponse(told, content_type="application/manifest+json")


@require_safe
@login_not_required
def service_worker(request: HttpRequest) -> HttpResponse:
    """The worker with the list of what it keeps; asked for anew at each visit, so that it is never an old one."""
    told = {
        "build": build(),
        "files": _files(),
        "hashed": settings.STATIC_MANIFEST,
        "workbox": {f"workbox-{name}": static(f"vendor/workbox/workbox-{name}.prod.js") for name in WORKBOX},
    }
    scripts = [static("vendor/workbox/workbox-sw.js"), _url_with_hash(WORKER)]
    body = f"self.DESK = {json.dumps(told)};\nimportScripts(...{json.dumps(scripts)});\n"
    headers = {"Cache-Control": "no-cache", "Service-Worker-Allowed": "/"}
    return HttpResponse(body, content_type="text/javascript; charset=utf-8", headers=headers)


def build() -> str:
    """Names the static files that pages of this server need: another one, other files."""
    return _build() if settings.STATIC_MANIFEST else _build.__wrapped__()


@cache
def _build() -> str:
    files = [*((file["url"], file["revision"]) for file in _files()), _url_with_hash(WORKER)]
    return hashlib.sha256(json.dumps(files).encode()).hexdigest()[:16]


def _files() -> list[dict[str, Any]]:
    """As Workbox wants them: a name with a hash needs no revision."""
    files = [{"url": static(n), "revision": None if settings.STATIC_MANIFEST else _hash(n)} for n in kept_files()]
    return [*files, {"url": reverse("manifest"), "revision": _url_with_hash(WORKER)}]


def kept_files() -> Iterator[str]:
    """The names of all that pages without a network need: our own scripts and styles, and of the libraries some."""
    for folder in ("css", "js", "icons"):
        for path in sorted((BASE_DIR / "static" / folder).iterdir()):
            name = f"{folder}/{path.name}"
            if name != WORKER:
                yield name
    yield from OF_LIBRARIES


def _url_with_hash(name: str) -> str:
    return static(name) if settings.STATIC_MANIFEST else f"{static(name)}?{_hash(name)}"


def _hash(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        raise FileNotFoundError(f"{name} is not among the static files; has npm been run?")
    return hashlib.sha256(Path(found).read_bytes()).hexdigest()[:16]
