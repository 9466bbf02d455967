"""What the tests of the import's pages share: signing in, sending files, reading what a page says and allows."""

import re
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from arrears.models import Import
from company.models import Project, User
from tests.arrears.workbooks import row, xlsx

GOOD = xlsx(row("101", 100, 30), row("102"))
MIXED = xlsx(row("101", 100, 30), row("102"), row("103", "壹佰元"))
ACTIONS = ("columns", "back", "post", "cancel", "marked")


def signed_in(user: User, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    return client


def url(name: str, project: Project, **kwargs: Any) -> str:
    return reverse(f"arrears:{name}", kwargs={"project_code": project.code, **kwargs})


def page_of(workbook: Import) -> str:
    return url("import_detail", workbook.project, pk=workbook.pk)


def act(client: Client, workbook: Import, name: str, data: dict[str, Any] | None = None) -> Any:
    """Posts to one of the import's addresses and follows to where it leads."""
    return client.post(url(f"import_{name}", workbook.project, pk=workbook.pk), data or {}, follow=True)


def text_of(response: Any) -> str:
    return re.sub(r"<[^>]+>", " ", response.content.decode())


def state_of(workbook: Import) -> str:
    return Import.objects.get(pk=workbook.pk).state


def seal(client: Client, workbook: Import) -> str:
    return str(client.get(page_of(workbook)).context["seal"])


def send(client: Client, project: Project, content: bytes, *, name: str = "应收.xlsx", **data: Any) -> Any:
    file = SimpleUploadedFile(name, content)
    return client.post(url("import_new", project), {"workbook": file, "kind": "charges", **data}, follow=True)


def allowed(response: Any) -> set[str]:
    """Which of the import's addresses the page leads to."""
    page = response.content.decode()
    return {name for name in ACTIONS if re.search(rf'(action|href)="[^"]*/imports/\d+/{name}/"', page)}


def read_again(workbook: Import) -> Import:
    return Import.objects.get(pk=workbook.pk)
