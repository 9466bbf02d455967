"""What a signed-in person must do before anything else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from company.models import ProjectAccess, Role, User

SECOND_FACTOR_SEEN = "second_factor_seen"
ALWAYS_OPEN = {
    "account_login",
    "account_logout",
    "account_reauthenticate",
    "company:password",
    "company:session",
    "healthz",
    "set_language",
}


class FirstDutiesMiddleware:
    """Sends a person to choose a password, and an administrator to set up a second factor, before all else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """A part of a page whose session has ended says so, instead of showing the sign-in page in its place."""
        response = self.get_response(request)
        if response.status_code == 302 and request.headers.get("HX-Request") and _leads_to_sign_in(response):
            return HttpResponse(status=204, headers={"HX-Trigger": "session-ended"})
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Redirects unless the page is one of those that are needed for the duty itself."""
        user = request.user
        match = request.resolver_match
        if not isinstance(user, User) or match is None or match.view_name in ALWAYS_OPEN:
            return None
        if user.must_change_password:
            return redirect("company:password")
        if match.view_name.startswith("mfa_") or not _lacks_second_factor(request, user):
            return None
        messages.warning(request, _("System administrators need a second factor. Set it up to go on."))
        return redirect("mfa_activate_totp")


def _leads_to_sign_in(response: HttpResponse) -> bool:
    return response["Location"].startswith(reverse("account_login"))


def _lacks_second_factor(request: HttpRequest, user: User) -> bool:
    if not settings.REQUIRE_ADMIN_MFA or request.session.get(SECOND_FACTOR_SEEN):
        return False
    administers = user.is_staff or ProjectAccess.objects.live().filter(user=user, role=Role.SYSTEM_ADMIN).exists()
    if not administers:
        return False
    if is_mfa_enabled(user):
        request.session[SECOND_FACTOR_SEEN] = True
        return False
    return True
