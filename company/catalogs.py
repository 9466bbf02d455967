"""The catalogues of translations: which strings the sources use, and which of them each app's catalogue holds.

A string belongs to the app whose folder its file lies in; what lies in no app's folder belongs to `company`. The
Python sources are read by Babel, the templates by Django's own `templatize`.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_file
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

# From the lowest to the highest: an app may use the strings of those before it.
APPS = ("company", "owners", "arrears", "notices", "collection")
LANGUAGE = "zh_Hans"
HOMES = {**{app: app for app in APPS}, "print": "notices"}
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "_t": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}
TEMPLATE_CALL = re.compile(r"(?<!\w)(_|gettext|ngettext|pgettext|npgettext)\(")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w*\}")
HEADER = f"""msgid ""
msgstr ""
"Language: {LANGUAGE}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
"""


@dataclass(frozen=True, order=True)
class Text:
    """A string of the sources: what is translated, with its plural and context."""

    msgid: str
    plural: str = ""
    context: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.context, self.msgid


def catalogue_path(app: str, root: Path | None = None) -> Path:
    """Where the Chinese catalogue of `app` lies."""
    return (root or settings.BASE_DIR) / app / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"


def read_catalogue(app: str, root: Path | None = None) -> Catalog:
    """The Chinese catalogue of `app`; an empty one where there is no file yet."""
    path = catalogue_path(app, root)
    if not path.exists():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def entries_of(catalogue: Catalog) -> dict[tuple[str, str], Message]:
    """The messages of a catalogue by context and msgid."""
    return {
        (str(message.context or ""), message.id if isinstance(message.id, str) else message.id[0]): message
        for message in catalogue
        if message.id
    }


def texts_in_sources(root: Path | None = None) -> dict[str, dict[Text, str]]:
    """For each app, the strings of its sources with the file where each stands first."""
    root = root or settings.BASE_DIR
    found: dict[str, dict[Text, str]] = {app: {} for app in APPS}
    for path, home in _sources(root):
        texts = _in_python(path) if path.suffix == ".py" else _in_template(path)
        for text in texts:
            found[home].setdefault(text, path.relative_to(root).as_posix())
    return found


def missing(app: str, texts: Iterable[Text], root: Path | None = None) -> list[Text]:
    """Those of `texts` that neither the catalogue of `app` nor one below it holds."""
    known: set[tuple[str, str]] = set()
    for lower in APPS[: APPS.index(app) + 1]:
        known |= entries_of(read_catalogue(lower, root)).keys()
    return [text for text in texts if text.key not in known]


def append(app: str, texts: Iterable[tuple[Text, str]], root: Path | None = None) -> None:
    """Appends untranslated entries to the catalogue of `app`; what stands there is left as it is."""
    path = catalogue_path(app, root)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(HEADER, encoding="utf-8")
    fresh = Catalog(locale=LANGUAGE)
    for text, source in texts:
        fresh.add(
            (text.msgid, text.plural) if text.plural else text.msgid,
            locations=[(source, 0)],
            context=text.context or None,
        )
    buffer = io.BytesIO()
    write_po(buffer, fresh, omit_header=True, include_lineno=False, width=0)
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" + buffer.getvalue().decode().strip() + "\n")


def placeholders(text: str) -> set[str]:
    """The places of `text` into which values are put."""
    return set(PLACEHOLDER.findall(text.replace("%%", "")))


def _sources(root: Path) -> Iterator[tuple[Path, str]]:
    for app in (*APPS, "config"):
        for path in sorted((root / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, HOMES.get(app, "company")
    for path in sorted((root / "templates").rglob("*")):
        if path.is_file() and path.suffix in {".html", ".txt"}:
            yield path, HOMES.get(path.relative_to(root / "templates").parts[0], "company")


def _in_python(path: Path) -> Iterator[Text]:
    for _line, ids, _comments, context in extract_from_file("python", path, keywords=KEYWORDS):
        if isinstance(ids, tuple):
            yield Text(ids[0], ids[1], context or "")
        else:
            yield Text(ids, context=context or "")


def _in_template(path: Path) -> Iterator[Text]:
    code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for call in TEMPLATE_CALL.finditer(code):
        arguments = _string_arguments(code, call.start())
        match call[1], arguments:
            case "ngettext", [singular, plural, *_]:
                yield Text(singular, plural)
            case "npgettext", [context, singular, plural, *_]:
                yield Text(singular, plural, context)
            case "pgettext", [context, msgid]:
                yield Text(msgid, context=context)
            case _, [msgid, *_]:
                yield Text(msgid)


def _string_arguments(code: str, start: int) -> list[str]:
    """The literal arguments of the call that begins at `start`."""
    end = start
    while (end := code.find(")", end) + 1) > 0:
        try:
            node = ast.parse(code[start:end], mode="eval").body
        except SyntaxError:
            continue  # the bracket stood inside a string
        arguments = node.args if isinstance(node, ast.Call) else []
        return [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return []
