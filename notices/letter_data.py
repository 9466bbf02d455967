"""What one letter says, as text: made at confirmation and frozen with the letter."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from company.models import Project
from notices.amounts import capitals, figures, written_date, written_periods
from notices.facts import AccountFacts
from notices.fields import one_line
from notices.kinds import KindRules
from notices.models import LawFirm
from owners.contracts import contract_on


def shared_fields(project: Project, law_firm: LawFirm | None, *, issue_on: date, deadline_on: date) -> dict[str, str]:
    """The fields that are the same in all letters of a batch; empty where the project's data are."""
    contract = contract_on(project, issue_on)
    values = {
        "项目名称": project.name,
        "物业公司": project.company_name,
        "合同名称": contract.name if contract else "",
        "缴费方式": project.payment_methods.rstrip().rstrip("。.；;"),  # a sentence of the letter goes on behind it
        "服务中心地址": project.service_address,
        "受理时间": project.service_hours,
        "联系人": project.contact_name,
        "联系电话": project.service_phone,
        "律所名称": law_firm.name if law_firm else "",
        "承办律师": law_firm.lawyer if law_firm else "",
        "律师电话": law_firm.lawyer_phone if law_firm else "",
        "出函日期": written_date(issue_on),
        "缴费期限": written_date(deadline_on),
    }
    return {name: one_line(value) for name, value in values.items()}


def account_fields(facts: AccountFacts, *, data_until: date) -> dict[str, str]:
    """The fields that tell one letter from another, but for its number."""
    return {
        "业主": one_line(facts.owner),
        "房号": one_line(facts.unit_address),
        "欠费期间": written_periods(charge.period for charge in facts.charges),
        "数据截止日": written_date(data_until),
        "欠费合计": figures(facts.principal),
        "欠费合计大写": capitals(facts.principal),
    }


def letter_data(
    facts: AccountFacts, shared: Mapping[str, str], rules: KindRules, *, data_until: date, number: str, scan_code: str
) -> dict[str, Any]:
    """Everything that the letter prints."""
    return {
        "fields": {**shared, **account_fields(facts, data_until=data_until), "函号": number},
        "charges": [{**charge.as_data(), "fee": one_line(charge.fee)} for charge in facts.charges],
        "scan_code": scan_code,
    }


def content_sha256(body: str, data: Mapping[str, Any]) -> str:
    """Hash of the template's text and the data, in one way of writing them."""
    content = json.dumps({"text": body, "data": data}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
