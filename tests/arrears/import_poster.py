"""A process that posts an import on the test database and stands still at a named point, to be killed there.

``python -m tests.arrears.import_poster IMPORT NOW FUNCTION``: prints a line when it has come as far as the function.
"""

import os
import sys
import time
from datetime import datetime

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]

if __name__ == "__main__":
    django.setup()
    from arrears.importing import posting
    from arrears.importing.steps import post_import

    def stand_still(*args: object, **kwargs: object) -> None:
        sys.stdout.write("here\n")
        sys.stdout.flush()
        time.sleep(60)

    number, now, point = sys.argv[1:]
    setattr(posting, point, stand_still)
    post_import(int(number), now=datetime.fromisoformat(now))
