"""Stored files: kept once, handed out by right, recorded."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from company.files import DOWNLOAD_RIGHTS, store_file
from company.models import AuditEvent, FilePurpose, Project, Role, StoredFile, User
from company.rights import RIGHTS
from tests.factories import create_project, create_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def project() -> Project:
    return create_project(code="FHC1")


def store(project: Project, *, content: bytes = b"%PDF-1.7", **fields: object) -> StoredFile:
    values = {
        "name": "律师函.pdf",
        "content_type": "application/pdf",
        "purpose": FilePurpose.NOTICE,
        "by": None,
        **fields,
    }
    return store_file(project=project, content=content, **values)  # type: ignore[arg-type]


def fetch(client: Client, stored: StoredFile, user: User, **query: str) -> int:
    client.force_login(user)
    url = reverse("company:file", kwargs={"project_code": stored.project.code, "pk": stored.pk})
    return client.get(url, query).status_code


def test_the_same_bytes_are_kept_once(project: Project, media: Path) -> None:
    first, again = store(project), store(project)
    assert first.pk == again.pk
    assert [path.name for path in media.rglob("*") if path.is_file()] == [first.sha256]


def test_other_names_share_the_bytes_and_other_projects_do_not(project: Project, media: Path) -> None:
    one, other = store(project), store(project, name="另一封.pdf")
    elsewhere = store(create_project())
    assert one.pk != other.pk
    assert one.file.name == other.file.name != elsewhere.file.name


def test_a_file_object_is_stored_like_bytes(project: Project) -> None:
    stored = store_file(
        project=project,
        content=ContentFile(b"abc" * 1000),
        name="a.csv",
        content_type="text/csv",
        purpose=FilePurpose.IMPORT_UPLOAD,
        by=create_user(),
    )
    assert stored.size == 3000
    assert stored.file.read() == b"abc" * 1000


@pytest.mark.parametrize("purpose", DOWNLOAD_RIGHTS)
@pytest.mark.parametrize("role", Role)
def test_the_purpose_decides_who_gets_it(client: Client, project: Project, purpose: FilePurpose, role: Role) -> None:
    stored = store(project, purpose=purpose)
    status = fetch(client, stored, create_user(role=role, project=project))
    assert status == (200 if role in RIGHTS[DOWNLOAD_RIGHTS[purpose]] else 403)


@pytest.mark.parametrize("role", Role)
def test_photos_are_not_handed_out_here(client: Client, project: Project, role: Role) -> None:
    stored = store(project, purpose=FilePurpose.VISIT_PHOTO)
    assert fetch(client, stored, create_user(role=role, project=project)) == 403


def test_what_has_pages_of_its_own_is_handed_out_by_them_only() -> None:
    assert set(FilePurpose) - set(DOWNLOAD_RIGHTS) == {
        FilePurpose.VISIT_PHOTO,
        FilePurpose.SIGNED_SCAN,
        FilePurpose.SHUT_OFF_PROOF,
        FilePurpose.OWNER_SIGNATURE,
        FilePurpose.VISIT_PACK,
    }


def test_a_file_of_another_project_does_not_exist(client: Client, project: Project) -> None:
    stored = store(create_project())
    user = create_user(role=Role.NOTICE_ADMIN, project=project)
    assert fetch(client, stored, user) == 404
    client.force_login(user)
    assert client.get(f"/p/{project.code}/files/{stored.pk}/").status_code == 404


def test_a_download_is_recorded_and_inert(client: Client, project: Project) -> None:
    stored = store(project, content=b"<script>", name="x.html", content_type="text/html")
    user = create_user(role=Role.NOTICE_ADMIN, project=project)
    client.force_login(user)
    response = client.get(f"/p/{project.code}/files/{stored.pk}/?inline")
    assert response["Content-Disposition"].startswith("attachment;")
    assert response["X-Content-Type-Options"] == "nosniff"
    event = AuditEvent.objects.get(action="file.downloaded")
    assert (event.user, event.project, event.object_id) == (user, project, str(stored.pk))


def test_a_pdf_may_be_shown(client: Client, project: Project) -> None:
    stored = store(project)
    client.force_login(create_user(role=Role.NOTICE_ADMIN, project=project))
    response = client.get(f"/p/{project.code}/files/{stored.pk}/?inline")
    assert response["Content-Disposition"] == "inline; filename*=UTF-8''%E5%BE%8B%E5%B8%88%E5%87%BD.pdf"
