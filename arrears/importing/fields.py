"""What a column of a sheet can hold, and the words under which charging systems print it (Chinese domain data)."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass

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
    YEAR = "year", _("year of the service period")
    PERIOD_START = "period_start", _("service period from")
    PERIOD_END = "period_end", _("service period to")
    DUE_ON = "due_on", _("due on")
    DUE = "due", _("amount due")
    RECEIVED = "received", pgettext_lazy("column", "received")
    WAIVED = "waived", _("waived (taken off the arrears)")
    OUTSTANDING = "outstanding", _("arrears (compared)")
    LATE_FEE = "late_fee", _("printed late fee (compared only)")
    EXTERNAL_ID = "external_id", _("number of the bill")
    RECEIVED_ON = "received_on", _("received on")
    METHOD = "method", _("method")
    SERIAL_NO = "serial_no", _("serial number")
    RECEIPT_NO = "receipt_no", _("receipt number")
    NOTE = "note", _("note")
    ENTRY = "entry", _("kind or state of the entry (refunds, void ones)")
    CURRENT = "current", _("current arrears")
    EARLIER = "earlier", _("earlier arrears")
    THIS_YEAR = "this_year", _("arrears of this year")
    PRIOR_YEARS = "prior_years", _("arrears of prior years")
    COLUMN_SUM = "column_sum", _("sum of columns (compared)")
    UNIT_AREA = "unit_area", _("area")
    USAGE = "usage", _("usage of the unit")
    VACANT = "vacant", _("vacant or not")
    CO_OWNERS = "co_owners", _("further owners")
    ID_NUMBERS = "id_numbers", _("ID numbers (may hold several)")
    PHONES = "phones", _("phones (may hold several)")
    MORE_PHONES = "more_phones", _("further phones")
    EMERGENCY = "emergency", _("emergency contact, relation and phone")
    EMERGENCY_PHONE = "emergency_phone", _("phone of the emergency contact")
    RELATION = "relation", _("relation of the emergency contact")
    ON_SITE = "on_site", _("address on site")
    SECOND_ADDRESS = "second_address", _("second correspondence address")
    EMAILS = "emails", _("e-mail")
    OCCUPANT = "occupant", _("occupant or tenant")
    OCCUPANT_PHONE = "occupant_phone", _("phone of the occupant")


ARREARS = (Field.CURRENT, Field.EARLIER, Field.THIS_YEAR, Field.PRIOR_YEARS, Field.OUTSTANDING)
"""Amounts of an arrears list; the column says for which time, and may say for which fee."""
AMOUNTS = (*ARREARS, Field.DUE, Field.RECEIVED, Field.WAIVED, Field.LATE_FEE, Field.COLUMN_SUM)
DAYS = (Field.PERIOD, Field.PERIOD_START, Field.PERIOD_END, Field.DUE_ON, Field.RECEIVED_ON)
REPEATED = frozenset({*ARREARS, Field.LATE_FEE, Field.COLUMN_SUM})
"""Fields of an arrears list that several columns may hold, for one fee each."""

NAMING_PEOPLE = frozenset({
    *(Field.CO_OWNERS, Field.ID_NUMBERS, Field.PHONES, Field.MORE_PHONES, Field.EMERGENCY, Field.EMERGENCY_PHONE),
    *(Field.ON_SITE, Field.SECOND_ADDRESS, Field.EMAILS, Field.OCCUPANT, Field.OCCUPANT_PHONE),
})  # fmt: skip
"""Fields of a list of owners whose cells are shown masked."""

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
        "收费期间 计费期间 起止日期 计费起止 费用起止 所属期间 计费区间 费用区间 收费区间 欠费期间 欠费起止 起止时间 "
        "缴费期间 账单月份 应收月份 账单周期 期间"
    ),
    Field.YEAR: "年度 年份 费用年度 所属年度 欠费年度 收费年度 账单年度 年",
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
        "欠收金额 欠费本金 余额 未付 未缴 未交 剩余金额 欠费余额 应收未收"
    ),
    Field.LATE_FEE: "违约金 滞纳金 违约金额 滞纳金金额 逾期违约金 应收违约金 应收滞纳金",
    Field.EXTERNAL_ID: (
        "单据号 流水号 账单编号 账单号 单号 应收单号 费用编号 应收编号 账单流水号 单据编号 流水 应收id 账单id"
    ),
}
OF_PAYMENTS: dict[Field, str] = {
    Field.RECEIVED: (
        "收款金额 金额 实收金额 实收 已收金额 已收 缴费金额 交费金额 付款金额 支付金额 交易金额 到账金额 入账金额 "
        "实缴金额 实付金额 收入金额 贷方金额 贷方发生额 收款额 收费金额 本次收款 本次实收 回款金额"
    ),
    Field.RECEIVED_ON: (
        "收款日期 收款时间 收费日期 收费时间 缴费日期 缴费时间 交费日期 付款日期 付款时间 支付日期 支付时间 交易日期 "
        "交易时间 到账日期 到账时间 入账日期 入账时间 实收日期 记账日期 回款日期 日期"
    ),
    Field.METHOD: (
        "收款方式 支付方式 缴费方式 交费方式 付款方式 结算方式 收费方式 支付渠道 缴费渠道 收款渠道 支付类型 付款渠道"
    ),
    Field.SERIAL_NO: (
        "流水号 交易流水号 交易号 交易单号 订单号 支付流水号 支付单号 银行流水号 收款流水号 流水 业务流水号 交易编号 "
        "商户订单号 参考号 凭证号 收款单号 缴费流水号"
    ),
    Field.RECEIPT_NO: "收据号 收据编号 票据号 票据编号 票号 发票号 发票号码 小票号 收据号码 票据号码",
    Field.NOTE: "备注 摘要 说明 用途 附言 备注说明",
    Field.ENTRY: (
        "交易类型 业务类型 收支类型 收款类型 类型 单据类型 款项类型 操作类型 记录类型 状态 单据状态 收款状态 票据状态 "
        "交易状态 支付状态 收据状态 是否作废"
    ),
}
OF_LISTS: dict[Field, str] = {
    Field.CURRENT: "本期 本月 当期 当月 本期欠费 本月欠费 当期欠费 当月欠费 本期应收 本月应收 本期未收 本期欠款",
    Field.EARLIER: "前期 往期 前期欠费 往期欠费 前期未收 前期欠款 期初欠费 上期结转 上期欠费 以前欠费 前欠",
    Field.THIS_YEAR: "本年 本年度 当年 今年 本年欠费 本年度欠费 当年欠费 本年应收 本年未收",
    Field.PRIOR_YEARS: (
        "往年 历年 以前年度 往年欠费 历年欠费 以前年度欠费 上年结转 往年陈欠 陈欠 历史欠费 历年陈欠 往年未收 历年累计"
    ),
    Field.OUTSTANDING: SYNONYMS[Field.OUTSTANDING].replace("欠费合计 ", ""),
    Field.COLUMN_SUM: "小计 合计 总计 共计 累计 欠费合计 合计欠费 欠费总额 总欠费 欠费总计 合计金额 欠费小计 应收合计",
}
OF_OWNERS: dict[Field, str] = {
    Field.UNIT: SYNONYMS[Field.UNIT].replace("物业地址 房屋地址 ", ""),
    Field.OWNER: f"{SYNONYMS[Field.OWNER]} 所有权人 权利人 业主名 房产所有人 租售业主",
    Field.CO_OWNERS: "共有人 共有人姓名 共同业主 产权共有人 其他业主 共有产权人 第二业主",
    Field.ID_NUMBERS: (
        "身份证号 身份证号码 身份证 证件号码 证件号 证件编号 统一社会信用代码 社会信用代码 信用代码 身份证件号码 "
        "业主身份证号 业主证件号 营业执照号 身份证信用代码 证件号码信用代码 身份证号信用代码"
    ),
    Field.PHONES: (
        "联系电话 电话 手机 手机号 手机号码 联系方式 电话号码 业主电话 移动电话 联系手机 业主手机 联系电话1 手机1 "
        "电话1 业主联系电话 业主联系方式 本人电话 主电话"
    ),
    Field.MORE_PHONES: (
        "联系电话2 电话2 手机2 备用电话 固定电话 座机 家庭电话 其他电话 宅电 备用号码 备用手机 固话 "
        "第二电话 其他联系方式"
    ),
    Field.EMERGENCY: "紧急联系人 应急联系人 紧急联系 紧急联系人姓名 紧急联系人及电话 紧急联系方式 其他联系人",
    Field.EMERGENCY_PHONE: "紧急联系电话 紧急联系人电话 应急联系电话 紧急电话 紧急联系人手机 紧急联系人联系方式",
    Field.RELATION: "与业主关系 关系 紧急联系人关系 与紧急联系人关系",
    Field.ON_SITE: "现场地址 小区内地址 房屋坐落 坐落 物业地址 房屋地址 小区地址",
    Field.SECOND_ADDRESS: (
        "第二通信地址 通信地址 通讯地址 联系地址 邮寄地址 第二通讯地址 户籍地址 身份证地址 家庭住址 住址 收件地址 "
        "送达地址 第二地址 邮寄通信地址"
    ),
    Field.EMAILS: "邮箱 电子邮箱 电子邮件 邮件 邮箱地址 email e-mail 业主邮箱 联系邮箱",
    Field.UNIT_AREA: SYNONYMS[Field.AREA],
    Field.USAGE: "用途 房屋用途 物业类型 房屋类型 业态 房屋性质 物业性质 使用性质 产品类型 物业用途 房产类型",
    Field.VACANT: "空置 是否空置 空置状态 入住状态 居住状态 入住情况 房屋状态 空置情况 是否入住",
    Field.OCCUPANT: "租户 承租人 使用人 租客 现住户 实际使用人 租户姓名 租户及电话 使用人姓名 承租人姓名 租户使用人",
    Field.OCCUPANT_PHONE: "租户电话 使用人电话 承租人电话 租客电话 现住户电话 租户联系电话 使用人联系电话",
}
PLACES = (
    *(Field.UNIT, Field.BUILDING, Field.ENTRANCE, Field.ROOM, Field.OWNER, Field.PHONE, Field.AREA, Field.ESTATE),
    Field.FEE,
)
OF_OWNERS_ONLY = tuple(field for field in OF_OWNERS if field != Field.UNIT)
HEADER_EXAMPLES = "房号、收费项目、应收金额"
NOT_IN_HEADER = re.compile(r"[\s()\[\]【】:：*＊·.,，、_\-/\\]+")
PRINTED_MEASURE = re.compile(
    r"[(\[【]\s*(?:元|万元|人民币|㎡|m2|m²|平方米|平米|平方|必填|选填|可选|年月|年/月)\s*[)\]】]", re.IGNORECASE
)


def header_key(text: str) -> str:
    """The form in which header texts are compared: width, case, gaps and a printed （元） or （㎡） aside."""
    plain = unicodedata.normalize("NFKC", text)
    return NOT_IN_HEADER.sub("", PRINTED_MEASURE.sub("", plain)).casefold()


Needed = tuple[tuple[Field, ...], ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the columns of one kind of list can hold.

    ``needed``: what it cannot do without, as alternatives. ``fields_of_word`` by the key of a header.
    """

    fields: tuple[Field, ...]
    needed: Needed
    fields_of_word: Mapping[str, list[Field]]

    def missing(self, found: Collection[str]) -> list[tuple[Field, ...]]:
        """What is needed and not among the fields ``found``."""
        missing = [alternatives for alternatives in self.needed if not set(alternatives) & set(found)]
        return list(dict.fromkeys(missing))


def _vocabulary(fields: tuple[Field, ...], needed: Needed, words: Mapping[Field, str]) -> Vocabulary:
    fields_of_word: dict[str, list[Field]] = {}
    for field in fields:
        for word in words[field].split():
            fields_of_word.setdefault(header_key(word), []).append(field)
    return Vocabulary(fields, needed, fields_of_word)


VOCABULARIES: dict[str, Vocabulary] = {
    "charges": _vocabulary(
        tuple(SYNONYMS),
        (
            (Field.ROOM, Field.UNIT),
            (Field.FEE,),
            (Field.PERIOD, Field.PERIOD_START, Field.YEAR),
            (Field.PERIOD, Field.PERIOD_END, Field.YEAR),
            (Field.DUE, Field.OUTSTANDING),
        ),
        SYNONYMS,
    ),
    "payments": _vocabulary(
        (*PLACES, *OF_PAYMENTS),
        ((Field.ROOM, Field.UNIT), (Field.RECEIVED,), (Field.RECEIVED_ON,)),
        SYNONYMS | OF_PAYMENTS,
    ),
    "arrears_list": _vocabulary(
        (*PLACES, Field.PERIOD, Field.YEAR, Field.PERIOD_START, Field.PERIOD_END, *OF_LISTS, Field.LATE_FEE),
        ((Field.ROOM, Field.UNIT), ARREARS),
        SYNONYMS | OF_LISTS,
    ),
    "owners": _vocabulary(
        (Field.UNIT, Field.BUILDING, Field.ENTRANCE, Field.ROOM, Field.ESTATE, *OF_OWNERS_ONLY),
        ((Field.ROOM, Field.UNIT), (Field.OWNER, Field.PHONES, Field.ID_NUMBERS, Field.UNIT_AREA)),
        SYNONYMS | OF_OWNERS,
    ),
}
"""By kind of import."""
