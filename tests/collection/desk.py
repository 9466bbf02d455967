"""A person signed in to a project, for the tests of pages."""

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from company.models import Project, Role, User
from tests.factories import create_user


class Desk:
    """A person signed in to a project, and what the pages answer."""

    def __init__(
        self, project: Project, role: Role = Role.PROJECT_MANAGER, name: str = "沈静宜", *, user: User | None = None
    ) -> None:
        self.project = project
        self.user = user or create_user(name=name, project=project, role=role)
        self.client = Client()
        self.client.force_login(self.user)

    def url(self, page: str, **kwargs: object) -> str:
        return reverse(f"collection:{page}", kwargs={"project_code": self.project.code, **kwargs})

    def get(self, page: str, query: str = "", **kwargs: object) -> HttpResponse:
        return self.client.get(self.url(page, **kwargs) + query)

    def post(self, page: str, data: dict[str, object] | None = None, **kwargs: object) -> HttpResponse:
        return self.client.post(self.url(page, **kwargs), data or {})


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
