"""Files in a bucket: the same pages and tasks, against a server that speaks the protocol of S3."""

import os
from collections.abc import Iterator

import boto3
import pikepdf
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import default_storage
from moto.server import ThreadedMotoServer

from arrears.importing.reading import Refusal
from arrears.importing.steps import local_path
from company.files import store_file
from company.models import FilePurpose, ProjectAccess, Role, StoredFile
from config.file_storage import file_storage
from notices import tasks
from notices.models import Batch
from tests.factories import confirm_letters, create_debtor, create_letter_project, create_user

BUCKET = "arrears-files"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server, settings, monkeypatch):
    environment = {
        "S3_BUCKET": BUCKET, "S3_ENDPOINT_URL": server, "S3_REGION": "us-east-1",
        "S3_ACCESS_KEY": "test", "S3_SECRET_KEY": "test", "S3_ADDRESSING": "path",
    }  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3", endpoint_url=server, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=BUCKET)
    settings.STORAGES = settings.STORAGES | {"default": file_storage()}
    yield client
    for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=entry["Key"])
    client.delete_bucket(Bucket=BUCKET)


def keys(client):
    return [entry["Key"] for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def put(project, content, name="a.pdf"):
    return store_file(
        project=project, content=content, name=name, content_type="application/pdf", purpose=FilePurpose.MANDATE,
        by=None,
    )  # fmt: skip


@pytest.mark.django_db
def test_the_same_bytes_are_kept_once_and_read_back(bucket):
    project = create_letter_project()
    before = set(keys(bucket))
    first, second = put(project, b"%PDF-1.7 one"), put(project, b"%PDF-1.7 one", name="b.pdf")
    assert set(keys(bucket)) - before == {first.file.name} == {second.file.name}
    assert StoredFile.objects.get(pk=first.pk).file.read() == b"%PDF-1.7 one"


@pytest.mark.django_db
def test_a_file_that_was_cut_off_is_written_again(bucket):
    project = create_letter_project()
    stored = put(project, b"%PDF-1.7 whole")
    bucket.put_object(Bucket=BUCKET, Key=stored.file.name, Body=b"%PDF")
    assert put(project, b"%PDF-1.7 whole").pk == stored.pk
    assert StoredFile.objects.get(pk=stored.pk).file.read() == b"%PDF-1.7 whole"


@pytest.mark.django_db
def test_a_batch_is_made_and_handed_out(bucket, client, django_capture_on_commit_callbacks):
    project = create_letter_project()
    batch = confirm_letters(project=project, accounts=[create_debtor(project=project) for _ in range(2)])
    tasks.render_batch(batch.pk)
    batch = Batch.objects.get(pk=batch.pk)
    assert batch.state == Batch.State.READY
    with pikepdf.open(batch.merged_file.file) as pdf:
        assert len(pdf.pages) == 6
    assert not [key for key in keys(bucket) if key.startswith("parts/")]
    address = f"/p/{project.code}/notices/batches/{batch.pk}/files/merged/"
    stranger, writer = create_user(), create_user()
    ProjectAccess.objects.create(user=writer, project=project, role=Role.NOTICE_ADMIN)
    client.force_login(stranger)
    assert client.get(address).status_code == 404
    client.force_login(writer)
    answer = client.get(address)
    assert answer.status_code == 200
    assert b"".join(answer.streaming_content).startswith(b"%PDF")


@pytest.mark.django_db
def test_an_upload_is_read_from_a_copy_and_one_that_is_gone_is_said(bucket):
    project = create_letter_project()
    stored = put(project, b"some workbook")
    with local_path(stored) as path:
        assert path.read_bytes() == b"some workbook"
    assert not path.exists()
    default_storage.delete(stored.file.name)
    with pytest.raises(Refusal), local_path(stored):
        pass


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"S3_ACCESS_KEY": "only one"}, "S3_SECRET_KEY"), ({"S3_ADDRESSING": "sideways"}, "S3_ADDRESSING")],
)
def test_settings_that_cannot_be_are_named(wrong, named, monkeypatch):
    for name in [name for name in os.environ if name.startswith("S3_")]:
        monkeypatch.delenv(name)
    for name, value in ({"S3_BUCKET": BUCKET} | wrong).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=named):
        file_storage()


def test_without_a_bucket_files_lie_in_a_folder(monkeypatch):
    monkeypatch.delenv("S3_BUCKET", raising=False)
    assert file_storage()["BACKEND"].endswith("FileSystemStorage")
