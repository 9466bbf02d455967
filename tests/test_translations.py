"""Every string that people read stands in the Chinese catalogues, whole."""

import re

import pytest

from company.catalogs import APPS, entries_of, missing, placeholders, read_catalogue, texts_in_sources

CHINESE = re.compile(r"[\u3400-\u9fff]")


@pytest.fixture(scope="module")
def sources() -> dict:
    return texts_in_sources()


@pytest.mark.parametrize("app", APPS)
def test_every_string_is_in_a_catalogue(app: str, sources: dict) -> None:
    absent = missing(app, sources[app])
    assert not absent, "run ./run manage update_messages and translate: " + "; ".join(
        f"{text.msgid!r} ({sources[app][text]})" for text in absent
    )


@pytest.mark.parametrize("app", APPS)
def test_every_entry_is_translated(app: str) -> None:
    catalogue = entries_of(read_catalogue(app))
    empty = [
        key
        for key, message in catalogue.items()
        if message.fuzzy or not (message.string if isinstance(message.string, str) else all(message.string))
    ]
    assert not empty


@pytest.mark.parametrize("app", APPS)
def test_a_translation_keeps_the_placeholders(app: str) -> None:
    wrong = []
    for key, message in entries_of(read_catalogue(app)).items():
        source = message.id if isinstance(message.id, str) else message.id[-1]
        texts = [message.string] if isinstance(message.string, str) else message.string
        wrong += [key for text in texts if text and placeholders(text) != placeholders(source)]
    assert not wrong


@pytest.mark.parametrize("app", APPS)
def test_the_sources_are_english(app: str, sources: dict) -> None:
    assert not [text.msgid for text in sources[app] if CHINESE.search(text.msgid + text.plural)]


def test_a_string_means_the_same_in_every_app() -> None:
    meanings: dict[tuple[str, str], dict[str, str]] = {}
    for app in APPS:
        for key, message in entries_of(read_catalogue(app)).items():
            meanings.setdefault(key, {})[app] = str(message.string)
    differing = {key: by_app for key, by_app in meanings.items() if len(set(by_app.values())) > 1}
    assert not differing
