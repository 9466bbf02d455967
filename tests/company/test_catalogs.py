"""Gathering strings from sources and templates."""

from pathlib import Path

import pytest

from company.catalogs import (
    Text,
    append,
    entries_of,
    missing,
    placeholders,
    read_catalogue,
    texts_in_sources,
)

TEMPLATE = """
{% load i18n %}
{% translate "Plain" %} {% translate 'It is "quoted" (twice)' as x %} {{ _("Constant") }}
{% translate "Name" context "person" %}
{% blocktranslate count n=rows|length trimmed %}
  {{ n }} row
{% plural %}
  {{ n }} rows
{% endblocktranslate %}
{# {% translate "In a comment" %} #}
<p>gettext("in the text")</p>
"""
PYTHON = """
from django.utils.translation import gettext_lazy as _, ngettext, pgettext_lazy
A = _("From Python %(count)d")
B = pgettext_lazy("person", "Name")
C = ngettext("one", "many", 2)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "owners").mkdir()
    (tmp_path / "owners/models.py").write_text(PYTHON, encoding="utf-8")
    for folder in ("owners", "components"):
        (tmp_path / "templates" / folder).mkdir(parents=True)
    (tmp_path / "templates/owners/page.html").write_text(TEMPLATE, encoding="utf-8")
    (tmp_path / "templates/components/x.html").write_text('{% translate "Shared" %}', encoding="utf-8")
    return tmp_path


def test_strings_are_found_in_python_and_templates(root: Path) -> None:
    texts = texts_in_sources(root)
    assert set(texts["owners"]) == {
        Text("From Python %(count)d"),
        Text("Name", context="person"),
        Text("one", "many"),
        Text("Plain"),
        Text('It is "quoted" (twice)'),
        Text("Constant"),
        Text("%(n)s row", "%(n)s rows"),
    }
    assert set(texts["company"]) == {Text("Shared")}


def test_only_what_is_missing_is_appended(root: Path) -> None:
    texts = texts_in_sources(root)["owners"]
    append("owners", [(text, texts[text]) for text in missing("owners", texts, root)], root)
    catalogue = read_catalogue("owners", root)
    assert set(entries_of(catalogue)) == {text.key for text in texts}
    assert missing("owners", texts, root) == []


def test_a_string_of_an_app_below_needs_no_second_entry(root: Path) -> None:
    append("company", [(Text("Plain"), "x")], root)
    assert Text("Plain") not in missing("owners", [Text("Plain")], root)
    append("collection", [(Text("Above"), "x")], root)
    assert Text("Above") in missing("owners", [Text("Above")], root)


def test_placeholders() -> None:
    assert placeholders("%(name)s: 50%% of {n} %s %d") == {"%(name)s", "{n}", "%s", "%d"}
