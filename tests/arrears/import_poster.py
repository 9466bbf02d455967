"""A process that works on an import on the test database and stands still at a named point, to be killed there.

``python -m tests.arrears.import_poster IMPORT NOW MODULE.FUNCTION``: checks or posts the import, as its state asks, and
prints a line when it has come as far as the function.
"""

import importlib
import os
import sys
import time
from datetime import datetime

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.MEDIA_ROOT = os.environ["TEST_MEDIA"]

if __name__ == "__main__":
    django.setup()
    from arrears.importing.states import State
    from arrears.importing.steps import check_import, post_import
    from arrears.models import Import
    from tests.factories import TODAY

    def stand_still(*args: object, **kwargs: object) -> None:
        sys.stdout.write("here\n")
        sys.stdout.flush()
        time.sleep(60)

    number, now, point = sys.argv[1:]
    module, _dot, function = point.partition(".")
    setattr(importlib.import_module(f"arrears.importing.{module}"), function, stand_still)
    workbook = Import.objects.get(pk=number)
    if workbook.state in (State.CONFIRMED, State.CHECKING):
        check_import(workbook.pk, today=TODAY, now=datetime.fromisoformat(now))
    else:
        post_import(workbook.pk, now=datetime.fromisoformat(now))
