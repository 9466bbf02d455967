"""A Celery worker on the test database; its chunks are small, so that there is more to interrupt."""

import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
settings.DATABASES["default"]["NAME"] = os.environ["TEST_DATABASE"]
settings.MEDIA_ROOT = os.environ["TEST_MEDIA"]

from config.celery import app  # noqa: E402  after the settings are changed

if __name__ == "__main__":
    app.loader.import_default_modules()
    from notices import making

    making.CHUNK = making.SMALL_CHUNK = 5
    app.worker_main(["worker", "--concurrency=2", "--loglevel=WARNING", "--without-mingle", "--without-gossip"])
