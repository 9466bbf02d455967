"""What distinguishes the kinds of notice: title, number, layout, and which fields their text may and must use."""

from dataclasses import dataclass

from notices.models import NoticeKind


@dataclass(frozen=True)
class Field:
    """A name that users may write in braces. ``sample`` fills the preview when no account is at hand."""

    name: str
    sample: str
    required: bool = False


@dataclass(frozen=True)
class KindRules:
    kind: NoticeKind
    title: str
    number_word: str
    code: str
    layout: str
    deadline_days: int
    needs_mandate: bool
    fields: tuple[Field, ...]

    @property
    def field_names(self) -> frozenset[str]:
        return frozenset(field.name for field in self.fields)

    def number(self, *, project_word: str, year: int, sequence: int) -> str:
        """The document number as printed: ``凤一律函〔2026〕第0001号``."""
        return f"{project_word}{self.number_word}〔{year}〕第{sequence:04d}号"

    def scan_code(self, *, year: int, sequence: int) -> str:
        """The number in signs that Code 128 carries: ``LL2026000001``."""
        return f"{self.code}{year}{sequence:06d}"


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

KINDS: dict[NoticeKind, KindRules] = {
    NoticeKind.LAWYER_LETTER: KindRules(
        kind=NoticeKind.LAWYER_LETTER,
        title="律师函",
        number_word="律函",
        code="LL",
        layout="lawyer_letter.typ",
        deadline_days=15,
        needs_mandate=True,
        fields=ACCOUNT_FIELDS + PROJECT_FIELDS + FIRM_FIELDS,
    )
}
