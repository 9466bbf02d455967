"""What distinguishes the kinds of document with a text: title, number, layout, fields that it may and must use."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from notices.models import ImagePurpose, NoticeKind, PublicKind

TextKind = NoticeKind | PublicKind


@dataclass(frozen=True)
class Field:
    """A name that users may write in braces. ``sample`` fills the preview when no account is at hand.

    ``blank`` is printed where there is no value, to be written on by hand; without it the text asks for a value.
    """

    name: str
    sample: str
    required: bool = False
    blank: str = ""


@dataclass(frozen=True)
class KindRules:
    """``sections``: marks that begin an optional paragraph (notices.fields). ``refused_words``: not in the text.

    ``copies`` of each notice stand in the print file. ``by_layout``: fields that the layout prints beside the text.
    """

    kind: TextKind
    title: str
    number_word: str
    code: str
    layout: str
    fields: tuple[Field, ...]
    number_label: str = "函号"
    deadline_days: int = 0
    needs_mandate: bool = False
    sections: tuple[str, ...] = ()
    refused_words: tuple[str, ...] = ()
    images: frozenset[ImagePurpose] = frozenset()
    copies: int = 1
    by_layout: tuple[str, ...] = ("物业公司",)

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields)

    @property
    def blanks(self) -> dict[str, str]:
        """By the name of a field what is printed where it has no value."""
        return {field.name: field.blank for field in self.fields if field.blank}

    def sections_of(self, values: Mapping[str, str]) -> tuple[str, ...]:
        """The marks that can hold in a project: without a late-fee clause none speaks of late fees."""
        return tuple(name for name in self.sections if name != LATE_FEES or values.get("违约金名称"))

    def number(self, *, project_word: str, year: int, sequence: int) -> str:
        """The document number as printed: ``凤一律函〔2026〕第0001号``."""
        return f"{project_word}{self.number_word}〔{year}〕第{sequence:04d}号"

    def scan_code(self, *, year: int, sequence: int) -> str:
        """The number in signs that Code 128 carries: ``LL2026000001``."""
        return f"{self.code}{year}{sequence:06d}"

    def contents_line(self, number: str) -> str:
        """What the waybill says of the contents, in Chinese whoever is at the desk: the document, and neither debt nor
        amount."""
        return f"{self.title} {number}"

    def refused_in(self, text: str) -> list[str]:
        """Which of the refused words stand in ``text``, also with spaces between their signs."""
        joined = re.sub(r"\s", "", text)
        return [word for word in self.refused_words if word in joined]


ACCOUNT_FIELDS = (
    Field("业主", "陈建国、王秀兰", required=True),
    Field("房号", "3栋2单元1802室", required=True),
    Field("欠费期间", "2024年11月至2025年10月", required=True),
    Field("数据截止日", "2025年11月20日", required=True),
    Field("欠费合计", "3,883.20", required=True),
    Field("欠费合计大写", "叁仟捌佰捌拾叁元贰角整", required=True),
    Field("函号", "某某律函〔2025〕第0123号"),
    Field("出函日期", "2025年11月24日"),
    Field("缴费期限", "2025年12月15日", required=True),
)
PROJECT_FIELDS = (
    Field("项目名称", "凤凰城一期"),
    Field("物业公司", "凤凰城物业服务有限公司", required=True),
    Field("合同名称", "凤凰城一期前期物业服务合同"),
    Field("缴费方式", "“凤凰城物业”微信公众号“生活缴费”，或服务中心前台刷卡", required=True),
    Field("服务中心地址", "凤凰城一期1栋首层物业服务中心"),
    Field("受理时间", "每日 8:30—18:00"),
    Field("联系人", "周敏"),
    Field("联系电话", "020-88880000", required=True),
)
FIRM_FIELDS = (
    Field("律所名称", "某某律师事务所", required=True),
    Field("承办律师", "林某某"),
    Field("律师电话", "020-66660000"),
)
CONTRACT_FIELDS = (
    Field("收费标准", "住宅每月每平方米2.65元；商铺每月每平方米5.00元"),
    Field("交费约定", "按月交纳，每月10日前交当月费用"),
)
LATE_FEE_FIELDS = (
    Field("违约金", "156.30"),
    Field("违约金大写", "壹佰伍拾陆元叁角整"),
    Field("违约金名称", "违约金"),
    Field("违约金截止日", "2025年10月31日"),
)
VISIT_FIELDS = (
    Field("员工姓名", "林静", blank="＿＿＿＿＿＿"),
    Field("上门时间", "11月24日19:20", blank="＿＿月＿＿日＿＿时＿＿分"),
)

LATE_FEES, ON_BEHALF, CO_OWNERS = "如有违约金", "如有代收", "如为共有"
SECTION_FIELDS: Mapping[str, frozenset[str]] = {
    LATE_FEES: frozenset(field.name for field in LATE_FEE_FIELDS),
    ON_BEHALF: frozenset(),
    CO_OWNERS: frozenset(),
}
"""The marks of optional paragraphs, each with the fields that only such a paragraph may use."""

WORDS_OF_DEMAND = (
    "欠", "催", "债", "缴", "逾期", "滞纳", "违约", "拖延", "起诉", "诉讼", "律师", "法院", "仲裁", "强制", "征信",
    "失信", "黑名单", "收费", "账单",
)  # fmt: skip


def _requiring(names: Iterable[str], fields: Iterable[Field]) -> tuple[Field, ...]:
    wanted = frozenset(names)
    return tuple(replace(field, required=field.name in wanted) for field in fields)


def _named(names: Iterable[str], fields: Iterable[Field]) -> tuple[Field, ...]:
    wanted = frozenset(names)
    return tuple(field for field in fields if field.name in wanted)


OF_A_DEMAND = ("业主", "房号", "欠费期间", "数据截止日", "欠费合计", "欠费合计大写", "缴费期限", "缴费方式", "联系电话")
ON_LETTERS = frozenset({ImagePurpose.LETTERHEAD, ImagePurpose.SEAL, ImagePurpose.SIGNATURE})
ON_BOARDS = frozenset({ImagePurpose.LETTERHEAD, ImagePurpose.SEAL})
ON_BILLS = ON_LETTERS | {ImagePurpose.PAYMENT}

KINDS: dict[NoticeKind, KindRules] = {
    NoticeKind.LAWYER_LETTER: KindRules(
        kind=NoticeKind.LAWYER_LETTER,
        title="律师函",
        number_word="律函",
        code="LL",
        layout="lawyer_letter.typ",
        deadline_days=15,
        needs_mandate=True,
        fields=ACCOUNT_FIELDS + PROJECT_FIELDS + FIRM_FIELDS + LATE_FEE_FIELDS,
        sections=(LATE_FEES, ON_BEHALF, CO_OWNERS),
        by_layout=("律所名称",),
    ),
    NoticeKind.EMS_NOTICE: KindRules(
        kind=NoticeKind.EMS_NOTICE,
        title="物业费用催缴函",
        number_word="函",
        code="EN",
        layout="ems_notice.typ",
        deadline_days=15,
        fields=_requiring(OF_A_DEMAND, ACCOUNT_FIELDS + PROJECT_FIELDS) + LATE_FEE_FIELDS,
        sections=(LATE_FEES, ON_BEHALF, CO_OWNERS),
        images=ON_LETTERS,
        copies=2,
    ),
    NoticeKind.FEE_NOTICE: KindRules(
        kind=NoticeKind.FEE_NOTICE,
        title="收费通知单",
        number_word="通",
        code="FN",
        layout="fee_notice.typ",
        number_label="编号",
        deadline_days=15,
        fields=_requiring(OF_A_DEMAND, ACCOUNT_FIELDS + PROJECT_FIELDS) + LATE_FEE_FIELDS,
        sections=(LATE_FEES, ON_BEHALF),
        images=ON_BILLS,
    ),
    NoticeKind.DOOR_SLIP: KindRules(
        kind=NoticeKind.DOOR_SLIP,
        title="留言",
        number_word="留",
        code="DS",
        layout="door_slip.typ",
        number_label="编号",
        fields=_requiring(
            ("联系电话",),
            VISIT_FIELDS + _named(("项目名称", "物业公司", "服务中心地址", "受理时间", "联系电话"), PROJECT_FIELDS),
        ),
        refused_words=WORDS_OF_DEMAND,
        by_layout=("物业公司", "项目名称"),
        images=frozenset({ImagePurpose.PAYMENT}),
    ),
}

PUBLIC_KINDS: dict[PublicKind, KindRules] = {
    PublicKind.ANNOUNCEMENT: KindRules(
        kind=PublicKind.ANNOUNCEMENT,
        title="关于交纳物业费用的通知",
        number_word="告",
        code="PA",
        layout="announcement.typ",
        number_label="编号",
        deadline_days=15,
        fields=_requiring(
            ("缴费期限", "缴费方式", "联系电话"),
            PROJECT_FIELDS + _named(("函号", "出函日期", "缴费期限"), ACCOUNT_FIELDS),
        ),
        images=ON_BOARDS | {ImagePurpose.PAYMENT},
    ),
    PublicKind.FEE_SHEET: KindRules(
        kind=PublicKind.FEE_SHEET,
        title="物业费用说明",
        number_word="费明",
        code="PS",
        layout="fee_sheet.typ",
        number_label="编号",
        fields=_requiring(
            ("物业公司", "联系电话"),
            PROJECT_FIELDS + CONTRACT_FIELDS + _named(("函号", "出函日期"), ACCOUNT_FIELDS),
        ),
        images=ON_BOARDS,
    ),
}

TEXT_KINDS: dict[TextKind, KindRules] = {rules.kind: rules for rules in (*KINDS.values(), *PUBLIC_KINDS.values())}
"""All documents whose text is edited, versioned and approved; receipts and statements have fixed layouts."""


def rules_of(kind: str) -> KindRules:
    """The rules of a kind by its stored value. Raises KeyError."""
    return _BY_VALUE[kind]


_BY_VALUE = {kind.value: rules for kind, rules in TEXT_KINDS.items()}
