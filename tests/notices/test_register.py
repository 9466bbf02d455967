"""The register of letters with its deliveries."""

import io
import re

import openpyxl
import pytest

from company.models import AuditEvent
from notices.models import Batch, Delivery, Notice
from notices.register_filter import RegisterFilterForm
from notices.waybills import enter_number
from tests.factories import NOW, create_project
from tests.notice_factories import (
    create_file,
    create_letter,
    create_sendings,
    send,
)
from tests.notices.desk import page, signed_in, url

pytestmark = pytest.mark.django_db
NUMBER = "1099001234216"
SENT_ON = "2025-11-24"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def project(db):
    return create_project(code="FHC1")


@pytest.fixture
def client(project):
    return signed_in(project)


class TestRegister:
    @pytest.fixture
    def letters(self, project, client):
        sent, numbered, waiting = (create_letter(project=project) for _ in range(3))
        send(sent)
        (delivery,) = send(numbered)
        enter_number(project, delivery.pk, NUMBER, by=client.user, now=NOW)
        Delivery.objects.filter(pk=delivery.pk).update(state="signed", received_on=NOW.date(), receiver="self")
        return sent, numbered, waiting

    @pytest.mark.parametrize(
        ("query", "shown"),
        [({"delivery": "none"}, [2]), ({"delivery": "dispatched"}, [0]), ({"channel": "ems"}, [0, 1]),
         ({"lacks": "number"}, [0]), ({"lacks": "proof"}, [1]), ({"q": "10990012"}, [1]), ({"since": "2999-01-01"}, []),
         ({"until": "2025-11-23"}, [0, 1, 2]), ({"state": "issued"}, [2]), ({"kind": "lawyer_letter"}, [])],
    )  # fmt: skip
    def test_filters(self, client, letters, query, shown):
        html = page(client.get(url("register"), query))
        assert [n for n, letter in enumerate(letters) if letter.number in html] == shown

    @pytest.mark.parametrize(
        "query", [{"delivery": "signed"}, {"channel": "ems"}, {"lacks": "number"}, {"lacks": "proof"}, {"q": "1099"}]
    )
    def test_only_the_projects_own_sendings_are_looked_through(self, project, query):
        form = RegisterFilterForm(query, project=project, batches=Batch.objects.none())
        sql = str(form.narrow(Notice.objects.all()).query)
        (looked_through,) = re.findall(r'FROM "notices_delivery" U0 WHERE (?!\(U0."notice_id")[^)]*\)[^)]*', sql)[-1:]
        assert f'U0."project_id" = {project.pk}' in looked_through

    def test_the_batch_and_sorting(self, client, letters):
        html = page(client.get(url("register"), {"batch": letters[0].batch_id, "sort": "-sent"}))
        assert letters[0].number in html
        assert letters[1].number not in html

    def test_export_has_numbers_and_deliveries_and_is_recorded(self, client, letters):
        response = client.get(url("register_export"), {"channel": "ems"})
        sheet = openpyxl.load_workbook(io.BytesIO(response.content)).active
        heads = [cell.value for cell in sheet[1]]
        rows = [dict(zip(heads, [cell.value for cell in row], strict=True)) for row in sheet.iter_rows(min_row=2)]
        numbers = {row["函号"]: row["运单号"] for row in rows}
        assert numbers == {letters[0].number: None, letters[1].number: NUMBER}
        assert AuditEvent.objects.filter(action="notices.exported", user=client.user, detail__count=2).exists()

    def test_costs_the_same_at_three_and_at_thirty(self, client, project, letters, django_assert_max_num_queries):
        client.get(url("register"))
        with django_assert_max_num_queries(60) as few:
            client.get(url("register"))
        create_sendings(project=project, number=27)
        with django_assert_max_num_queries(len(few)):
            client.get(url("register"))

    def test_the_letters_page_costs_the_same_with_more_sendings(self, client, letters, django_assert_max_num_queries):
        sent = letters[0]
        client.get(url("letter", pk=sent.pk))
        with django_assert_max_num_queries(60) as few:
            client.get(url("letter", pk=sent.pk))
        create_file(project=sent.project)
        for _ in range(3):
            Delivery.objects.filter(notice=sent).update(state="lost")
            Delivery.objects.create(
                project=sent.project, notice=sent, channel="ems", dispatched_on=NOW.date(), state_on=NOW.date(),
                dispatched_by=client.user, recorded_at=NOW,
            )  # fmt: skip
        with django_assert_max_num_queries(len(few)):
            client.get(url("letter", pk=sent.pk))
