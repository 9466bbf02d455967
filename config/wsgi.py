"""Entry point of the web server."""

import os

from django.core.wsgi import get_wsgi_application

from config.whole_bodies import whole_bodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
# Many threads of one process share connections here; forked workers and short commands must not.
os.environ.setdefault("DATABASE_POOL", "true")

application = whole_bodies(get_wsgi_application())
