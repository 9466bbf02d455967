"""The fees a new project starts with, and the words under which sheets print them (Chinese domain data)."""

import re
import unicodedata
from dataclasses import dataclass

from django.db import transaction

from arrears.models import FeeSynonym, FeeType
from company.models import Project

NOT_IN_A_KEY = re.compile(r"[\s()\[\]{}<>《》〈〉【】「」（）:：;；,，.。、·\-—_/\\|*\"'“”]+")
PRINTED_UNIT = re.compile(r"[(（]\s*(?:元|人民币|RMB|¥|￥)\s*[)）]", re.IGNORECASE)

Nature = FeeType.Nature


@dataclass(frozen=True, slots=True)
class UsualFee:
    """``words``: its synonyms, with gaps between."""

    name: str
    nature: FeeType.Nature
    is_on_behalf: bool
    words: str


USUAL_FEES = (
    UsualFee(
        "物业服务费",
        Nature.PROPERTY,
        is_on_behalf=False,
        words="物业费 管理费 物业管理费 物管费 物业管理服务费 住宅物业费 住宅物业服务费 住宅物业管理费 住宅管理费",
    ),
    UsualFee(
        "商铺物业费",
        Nature.PROPERTY,
        is_on_behalf=False,
        words="商铺物业服务费 商铺物业管理费 商铺管理费 商业物业费 商业物业服务费 商业物业管理费 商户物业费 底商物业费",
    ),
    UsualFee("水费", Nature.WATER, is_on_behalf=True, words="自来水费 生活用水 生活水费 代收水费 水费代收"),
    UsualFee("电费", Nature.ELECTRICITY, is_on_behalf=True, words="生活用电 生活电费 代收电费 电费代收"),
    UsualFee("公摊水费", Nature.WATER, is_on_behalf=True, words="水费公摊 公共水费 公共用水分摊 公区水费 分摊水费"),
    UsualFee(
        "公摊电费",
        Nature.ELECTRICITY,
        is_on_behalf=True,
        words="电费公摊 公共电费 公共用电 公共用电分摊 公区电费 分摊电费",
    ),
    UsualFee(
        "公摊水电费",
        Nature.ELECTRICITY,
        is_on_behalf=True,
        words="公摊水电 水电公摊 公摊费 公共水电 公共水电费 水电公摊费 公区水电费 公摊水电分摊",
    ),
    UsualFee(
        "车位管理费",
        Nature.PARKING,
        is_on_behalf=False,
        words="车位费 停车费 停车管理费 车位服务费 车位物业费 车位物业服务费 停车服务费 车辆停放费 地下车位管理费",
    ),
)


def fee_key(text: str) -> str:
    """The form in which fee words are stored and compared: width, case, gaps, brackets and a printed （元） aside."""
    plain = unicodedata.normalize("NFKC", text).strip()
    return NOT_IN_A_KEY.sub("", PRINTED_UNIT.sub("", plain)).casefold()


@transaction.atomic
def start_catalogue(project: Project) -> None:
    """Give ``project`` the usual fees and their synonyms; what it has already stays as it is."""
    FeeType.objects.bulk_create(
        (
            FeeType(project=project, name=fee.name, nature=fee.nature, is_on_behalf=fee.is_on_behalf, position=position)
            for position, fee in enumerate(USUAL_FEES, start=1)
        ),
        ignore_conflicts=True,
    )
    fee_ids = dict(FeeType.objects.filter(project=project).values_list("name", "pk"))
    FeeSynonym.objects.bulk_create(
        (
            FeeSynonym(project=project, fee_type_id=fee_ids[fee.name], word=fee_key(word))
            for fee in USUAL_FEES
            for word in fee.words.split()
        ),
        ignore_conflicts=True,
    )


def ensure_catalogue(project: Project) -> None:
    """Give ``project`` the usual fees if it has none at all yet: a project that was created on its page starts so."""
    if not FeeType.objects.filter(project=project).exists():
        start_catalogue(project)


def fees_by_word(project: Project) -> dict[str, FeeType]:
    """Every fee of ``project`` under its name and each synonym, in the form of ``fee_key``. A name beats a synonym."""
    synonyms = FeeSynonym.objects.filter(project=project).select_related("fee_type")
    words = {fee_key(synonym.word): synonym.fee_type for synonym in synonyms}
    return words | {fee_key(fee.name): fee for fee in FeeType.objects.filter(project=project)}
