"""Signing in: by mobile number, user name or a name that only one person bears; lock-out; second factor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from axes.utils import reset
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from company.models import User


def find_account(login: str) -> User | None:
    """The person who signs in as `login`: user name first, then mobile number, then a name borne once."""
    login = login.strip()
    if not login:
        return None
    for field in ("username", "mobile"):
        user: User | None = User.objects.filter(**{field: login}).first()
        if user is not None:
            return user
    namesakes: list[User] = list(User.objects.active().filter(name=login)[:2])
    return namesakes[0] if len(namesakes) == 1 else None


class StaffBackend(ModelBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The active person who signs in as `username` with `password`; None otherwise."""
        if username is None or password is None:
            return None
        user = find_account(username)
        if user is None:
            User().set_password(password)  # an unknown login takes as long as a wrong password
            return None
        if user.check_password(password) and self.user_can_authenticate(user):
            return user
        return None


def account_key(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """What failed attempts are counted by: the account, whichever of its logins was typed."""
    typed = (credentials or {}).get("username") or request.POST.get("login") or request.POST.get("username") or ""
    user = find_account(typed)
    return user.username if user else typed.strip().casefold()[:150]


def locked_out(request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None) -> HttpResponse:
    """The page that says until when an account is locked."""
    cooloff: timedelta = settings.AXES_COOLOFF_TIME
    context = {"limit": settings.AXES_FAILURE_LIMIT, "until": timezone.now() + cooloff, "cooloff": cooloff}
    return TemplateResponse(request, "account/locked.html", context, status=429).render()


def unlock(user: User) -> None:
    """Forgets the failed attempts at an account."""
    reset(username=user.username)


class StaffAdapter(DefaultAccountAdapter):
    """Accounts are made by administrators; nobody signs up, nothing is sent by e-mail."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _(
            "This login and password do not belong together. Who shares a name with a colleague "
            "signs in by mobile number."
        ),
    }
    announced = {"mfa/messages/totp_activated.txt", "mfa/messages/totp_deactivated.txt"}

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Signing in and out needs no message; a changed second factor does."""
        if message_template in self.announced:
            super().add_message(request, level, message_template, *args, **kwargs)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Sends nothing: staff may have no e-mail address."""


class SecondFactorAdapter(DefaultMFAAdapter):
    """Keeps the secret of an authenticator app encrypted."""

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _cipher().decrypt(encrypted_text.encode()).decode()

    def get_totp_issuer(self) -> str:
        return "Arrears Desk"


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.FIELD_KEYS])
