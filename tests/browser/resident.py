"""Runs pieces of code on the demonstration, one for each line that comes in, and answers what each printed.

Django takes longer to start than such a piece to run, so one process stays for all of them.
"""

import contextlib
import io
import json
import os
import sys
import traceback


def main() -> None:
    """Serve standard input until it ends; lines are JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import connections

    for line in sys.stdin:
        printed = io.StringIO()
        failed = ""
        try:
            with contextlib.redirect_stdout(printed):
                exec(json.loads(line), {})
        except Exception:
            failed = traceback.format_exc()
        connections.close_all()
        sys.stdout.write(json.dumps({"printed": printed.getvalue(), "failed": failed}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
