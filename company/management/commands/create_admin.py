"""The first system administrator of a new installation."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from company.audit import record
from company.forms import PersonForm
from company.models import ProjectAccess, Role, User
from company.people import one_time_password


class Command(BaseCommand):
    help = "Creates a system administrator for all projects and prints the one-time password."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--name", required=True)
        parser.add_argument("--mobile", default="")
        parser.add_argument("--username", default="")
        parser.add_argument("--json", action="store_true", help="print one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        form = PersonForm({key: options[key] for key in ("name", "mobile", "username")})
        if not form.is_valid():
            raise CommandError(
                "; ".join(f"{field}: {' '.join(map(str, errors))}" for field, errors in form.errors.items())
            )
        password = one_time_password()
        admin = _create(form, password)
        answer = {"login": admin.mobile or admin.username, "password": password}
        if options["json"]:
            sys.stdout.write(json.dumps(answer) + "\n")
        else:
            self.stdout.write(f"{admin.name} signs in with {answer['login']}, one-time password {password}")


@transaction.atomic
def _create(form: PersonForm, password: str) -> User:
    admin: User = form.save(commit=False)
    admin.set_password(password)
    admin.must_change_password = True
    admin.is_staff = admin.is_superuser = True
    admin.save()
    ProjectAccess.objects.create(user=admin, project=None, role=Role.SYSTEM_ADMIN)
    record(action="people.created", by=None, obj=admin, name=admin.name)
    return admin
