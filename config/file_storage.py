"""Where files are kept: a folder under ARREARS_VAR, or a bucket of S3 or of a service that speaks its protocol."""

import os
from typing import Any

from django.core.exceptions import ImproperlyConfigured

ADDRESSING = ("auto", "path", "virtual")


def file_storage() -> dict[str, Any]:
    """Django's setting for files, from S3_BUCKET and its companions. Raises ImproperlyConfigured."""
    bucket = os.environ.get("S3_BUCKET", "")
    if not bucket:
        return {"BACKEND": "django.core.files.storage.FileSystemStorage"}
    access_key, secret_key = os.environ.get("S3_ACCESS_KEY") or None, os.environ.get("S3_SECRET_KEY") or None
    if bool(access_key) != bool(secret_key):
        raise ImproperlyConfigured(
            "Set both environment variables S3_ACCESS_KEY and S3_SECRET_KEY, or neither where the machine has a role."
        )
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": os.environ.get("S3_ENDPOINT_URL") or None,
            "region_name": os.environ.get("S3_REGION") or None,
            "access_key": access_key,
            "secret_key": secret_key,
            "file_overwrite": False,  # what was issued is never written over
            "client_config": _client(),
        },
    }


def _client() -> Any:
    addressing = os.environ.get("S3_ADDRESSING") or "auto"
    if addressing not in ADDRESSING:
        raise ImproperlyConfigured(f"Set the environment variable S3_ADDRESSING: one of {', '.join(ADDRESSING)}.")
    from botocore.config import Config  # only where there is a bucket: it takes long to read

    return Config(
        s3={"addressing_style": addressing},
        signature_version="s3v4",
        # Checks that Amazon added later and that several compatible services refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
