"""Names of owners as sheets write them: several in one cell, organisations among persons."""

import re
import unicodedata

from pypinyin import Style, lazy_pinyin

from owners.models import Owner

BETWEEN_NAMES = re.compile(r"\s*[、，,;；/／|&＆\n]\s*")
GAP = re.compile(r"\s+")
CHINESE_NAME = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff·]{2,}")
ORGANISATION = re.compile(
    r"公司|集团|中心|委员会|合作社|事务所|银行|酒店|宾馆|超市|学校|幼儿园|医院|诊所|药房|工作室|"
    r"(?:店|厂|行|部|社|馆|铺|餐饮|商行|商贸|有限)$"
)
DEVELOPER = re.compile(r"房地产|置业|地产|开发商")
LONGEST_PERSON = 4
NAME_LENGTH = 120


def split_names(cell: str) -> list[str]:
    """The names in one cell, each once, in order: ``李小博;王敏``, ``林秀国 欧阳浩赟`` or ``周氏餐饮有限公司``."""
    names: list[str] = []
    for text in BETWEEN_NAMES.split(unicodedata.normalize("NFC", cell).strip()):
        parts = GAP.split(text.strip())
        names += parts if all(CHINESE_NAME.fullmatch(part) for part in parts) else [text.strip()]
    return list(dict.fromkeys(name for name in names if name))


def join_names(names: list[str]) -> str:
    """How a party of several is written in one line."""
    return "、".join(names)


def same_people(one: str, other: str) -> bool:
    """Whether two cells name the same owners, in any order."""
    return set(split_names(one)) == set(split_names(other))


def pinyin_initials(name: str) -> str:
    """``张三`` → ``zs``, for the search."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()[:NAME_LENGTH]


def kind_of(name: str) -> Owner.Kind:
    """Person, organisation or developer, by the words of the name."""
    if DEVELOPER.search(name):
        return Owner.Kind.DEVELOPER
    return Owner.Kind.ORGANISATION if len(name) > LONGEST_PERSON and ORGANISATION.search(name) else Owner.Kind.PERSON
