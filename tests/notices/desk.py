"""A notice administrator at the desk: what the tests of pages do over and over."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from company.models import Role
from tests.factories import create_user
from tests.notice_factories import pdf_of


def signed_in(project, role=Role.NOTICE_ADMIN):
    client = Client()
    client.user = create_user(name="贺兰", role=role, project=project)
    client.force_login(client.user)
    return client


def url(name, **kwargs):
    return reverse(f"notices:{name}", kwargs={"project_code": "FHC1"} | kwargs)


def page(response):
    assert response.status_code == 200
    return response.content.decode()


def said(response):
    """The messages of a page that was reached by a redirect."""
    return [str(message) for message in response.context["messages"]]


def act(client, delivery, name, **fields):
    return client.post(url("delivery_act", pk=delivery.pk, act=name), fields, follow=True)


def pdf(pages=1, name="scan.pdf", mark=""):
    return SimpleUploadedFile(name, pdf_of(pages, mark=mark), content_type="application/pdf")


def photo(name="photo.jpg"):
    content = io.BytesIO()
    exif = Image.Exif()
    exif[0x010F] = "SecretPhone"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(content, "JPEG", exif=exif)
    return SimpleUploadedFile(name, content.getvalue(), content_type="image/jpeg")
