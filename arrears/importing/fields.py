"""What a column of a sheet can hold, and the words under which charging systems print it (Chinese domain data)."""

import re
import unicodedata
from collections.abc import Collection

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Field(models.TextChoices):
    UNIT = "unit", _("unit, or its number in the charging system")
    BUILDING = "building", _("building")
    ENTRANCE = "entrance", _("entrance")
    ROOM = "room", _("room")
    OWNER = "owner", _("owner (may name several)")
    PHONE = "phone", _("phone (not imported)")
    AREA = "area", _("area (for new units)")
    ESTATE = "estate", _("estate (compared only)")
    FEE = "fee", _("fee")
    PERIOD = "period", _("service period")
    PERIOD_START = "period_start", _("service period from")
    PERIOD_END = "period_end", _("service period to")
    DUE_ON = "due_on", _("due on")
    DUE = "due", _("amount due")
    RECEIVED = "received", pgettext_lazy("column", "received")
    WAIVED = "waived", _("waived (taken off the arrears)")
    OUTSTANDING = "outstanding", _("arrears (compared)")
    LATE_FEE = "late_fee", _("printed late fee (compared only)")
    EXTERNAL_ID = "external_id", _("number of the bill")


AMOUNTS = (Field.DUE, Field.RECEIVED, Field.WAIVED, Field.OUTSTANDING, Field.LATE_FEE)
DAYS = (Field.PERIOD, Field.PERIOD_START, Field.PERIOD_END, Field.DUE_ON)

SYNONYMS: dict[Field, str] = {
    Field.UNIT: (
        "物业编号 资源编码 资源编号 资源名称 资产编号 单元名称 房屋编号 房屋编码 房产编号 房间编号 房屋 房间 "
        "房屋名称 房产名称 住户编号 客户房号 物业地址 房屋地址 单元编号 户号 房间号码"
    ),
    Field.BUILDING: ("楼栋 楼号 楼栋号 楼幢 幢 幢号 栋 栋号 座 座号 座栋 楼阁 楼宇 楼宇名称 楼座 楼 楼栋名称 大楼"),
    Field.ENTRANCE: "单元 单元号 门栋 梯 梯号 梯位",
    Field.ROOM: "房号 室号 室 房间号 门牌号 门牌 房屋号 户室号 号房 商铺号 铺号 房 户",
    Field.OWNER: (
        "业主姓名 业主 业主名称 客户名称 客户 客户姓名 住户 住户姓名 姓名 户主 户主姓名 缴费人 产权人 房主 "
        "业户名称 业户"
    ),
    Field.PHONE: "联系电话 电话 手机 手机号 手机号码 联系方式 电话号码 业主电话 移动电话 联系手机",
    Field.AREA: "建筑面积 面积 计费面积 收费面积 房屋面积 产权面积 建面",
    Field.ESTATE: "项目 小区 项目名称 小区名称 楼盘 楼盘名称 管理区 管理处 所属项目 园区 社区",
    Field.FEE: (
        "收费项目 费项 费用名称 费用项目 收费科目 费用类型 收费项目名称 费项名称 费用科目 科目 收费名称 "
        "款项名称 收费类型 费用 项目"
    ),
    Field.PERIOD: (
        "费用所属期 账期 所属期 所属账期 计费周期 费用期间 费用周期 收费月份 费用月份 计费月份 所属月份 月份 "
        "收费期间 计费期间 起止日期 计费起止 费用起止 所属期间"
    ),
    Field.PERIOD_START: (
        "计费开始 开始日期 计费开始日期 起始日期 费用开始日期 费用起始日期 开始时间 计费起始 计费起始日期 "
        "起始日 计费开始时间 收费开始日期 账单开始日期 费用开始 起"
    ),
    Field.PERIOD_END: (
        "计费结束 结束日期 计费结束日期 截止日期 费用结束日期 费用截止日期 结束时间 计费截止 计费截止日期 "
        "终止日期 计费结束时间 收费结束日期 账单结束日期 费用结束 止"
    ),
    Field.DUE_ON: (
        "应收日 应收日期 缴费截止 缴费截止日 缴费截止日期 应缴日期 最迟缴费日 到期日 应付日期 缴费期限 收费日期"
    ),
    Field.DUE: (
        "应收金额 应计金额 应收 应缴金额 应缴 应收款 账单金额 应交金额 应交 金额 应收费用 应收合计 计费金额 本金"
    ),
    Field.RECEIVED: (
        "已收金额 已收 实收 实收金额 已缴金额 已缴 实缴金额 已交金额 已交 收款金额 已收款 已付金额 已付 实收款"
    ),
    Field.WAIVED: "减免 减免金额 优惠金额 优惠 折扣金额 折扣 减免费用 打折金额 抵扣金额",
    Field.OUTSTANDING: (
        "欠费金额 欠费 未收 未收金额 欠费合计 未缴金额 欠缴金额 欠款 欠款金额 未付金额 未交金额 应收余额 "
        "欠收金额 欠费本金"
    ),
    Field.LATE_FEE: "违约金 滞纳金 违约金额 滞纳金金额 逾期违约金 应收违约金 应收滞纳金",
    Field.EXTERNAL_ID: (
        "单据号 流水号 账单编号 账单号 单号 应收单号 费用编号 应收编号 账单流水号 单据编号 流水 应收id 账单id"
    ),
}
HEADER_EXAMPLES = "房号、收费项目、应收金额"
NOT_IN_HEADER = re.compile(r"[\s()\[\]【】:：*＊·.,，、_\-/\\]+")
PRINTED_MEASURE = re.compile(
    r"[(\[【]\s*(?:元|万元|人民币|㎡|m2|m²|平方米|平米|平方|必填|选填|可选|年月|年/月)\s*[)\]】]", re.IGNORECASE
)


def header_key(text: str) -> str:
    """The form in which header texts are compared: width, case, gaps and a printed （元） or （㎡） aside."""
    plain = unicodedata.normalize("NFKC", text)
    return NOT_IN_HEADER.sub("", PRINTED_MEASURE.sub("", plain)).casefold()


FIELDS_OF_WORD: dict[str, list[Field]] = {}
for _field, _words in SYNONYMS.items():
    for _word in _words.split():
        FIELDS_OF_WORD.setdefault(header_key(_word), []).append(_field)


def missing_fields(found: Collection[str]) -> list[tuple[Field, ...]]:
    """What a list of charges cannot do without, as alternatives, where none of them is among ``found``."""
    needed: list[tuple[Field, ...]] = [
        (Field.ROOM, Field.UNIT),
        (Field.FEE,),
        (Field.PERIOD, Field.PERIOD_START),
        (Field.PERIOD, Field.PERIOD_END),
        (Field.DUE, Field.OUTSTANDING),
    ]
    missing = [alternatives for alternatives in needed if not set(alternatives) & set(found)]
    return list(dict.fromkeys(missing))
