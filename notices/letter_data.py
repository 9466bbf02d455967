"""What one letter says, as text: made at confirmation and frozen with the letter."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from company.models import Project
from notices.amounts import capitals, figures, written_date, written_periods
from notices.facts import ZERO, AccountFacts
from notices.fields import one_line
from notices.kinds import CO_OWNERS, LATE_FEES, ON_BEHALF, KindRules
from notices.models import LawFirm
from owners.contracts import contract_on


def shared_fields(
    project: Project, law_firm: LawFirm | None, *, issue_on: date, deadline_on: date | None
) -> dict[str, str]:
    """The fields that are the same in all letters of a batch; empty where the project's data are."""
    contract = contract_on(project, issue_on)
    late_fee_word = contract.late_fee_word if contract and contract.late_fee_clause.strip() else ""
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
        "缴费期限": written_date(deadline_on) if deadline_on else "",
        "收费标准": _listed(contract.prices) if contract else "",
        "交费约定": contract.due_terms.rstrip("。.；; ") if contract else "",
        "违约金名称": late_fee_word,
    }
    return {name: one_line(value) for name, value in values.items()}


def _listed(lines: str) -> str:
    """Lines as one sentence that a full stop ends."""
    return "；".join(line.strip().rstrip("。.；;") for line in lines.splitlines() if line.strip())


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


def _late_fee_fields(facts: AccountFacts) -> dict[str, str]:
    total = sum((late_fee.open for late_fee in facts.late_fees), ZERO)
    until = max((late_fee.until for late_fee in facts.late_fees), default=None)
    return {
        "违约金": figures(total),
        "违约金大写": capitals(total),
        "违约金截止日": written_date(until) if until else "",
    }


def letter_data(
    facts: AccountFacts,
    shared: Mapping[str, str],
    rules: KindRules,
    *,
    data_until: date,
    number: str,
    scan_code: str,
    paper: str = "",
    images: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Everything that the letter prints.

    Late fees stand in it only where the contract in force has a word for them. ``paper``: of a door slip. ``images``:
    the pictures in use, see notices.images.
    """
    has_late_fees = bool(shared.get("违约金名称") and facts.late_fees)
    holds = {LATE_FEES: has_late_fees, ON_BEHALF: any(c.on_behalf for c in facts.charges), CO_OWNERS: facts.owners > 1}
    data = {
        "fields": {
            **shared,
            **account_fields(facts, data_until=data_until),
            **(_late_fee_fields(facts) if has_late_fees else {}),
            "函号": number,
        },
        "charges": [{**charge.as_data(), "fee": one_line(charge.fee)} for charge in facts.charges],
        "scan_code": scan_code,
        "sections": [section for section in rules.sections if holds[section]],
    }
    if has_late_fees:
        data["late_fees"] = [late_fee.as_data() for late_fee in facts.late_fees]
    if paper:
        data |= {"paper": paper, "by_fee": [{**fee, "fee": one_line(fee["fee"])} for fee in facts.by_fee()]}
    if images:
        data["images"] = dict(images)
    return data


def public_data(
    shared: Mapping[str, str], *, number: str, scan_code: str, images: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Everything that a document to all prints: nothing of any account."""
    data: dict[str, Any] = {"fields": {**shared, "函号": number}, "scan_code": scan_code}
    return data | ({"images": dict(images)} if images else {})


def content_sha256(body: str, data: Mapping[str, Any]) -> str:
    """Hash of the template's text and the data, in one way of writing them."""
    content = json.dumps({"text": body, "data": data}, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
