"""The words under which sheets print how somebody paid (Chinese domain data)."""

import re

from arrears.models import Payment

Method = Payment.Method

WORDS: tuple[tuple[Method, re.Pattern[str]], ...] = (
    (Method.WECHAT, re.compile(r"微信|财付通|wechat|weixin", re.IGNORECASE)),
    (Method.ALIPAY, re.compile(r"支付宝|alipay", re.IGNORECASE)),
    (Method.CARD, re.compile(r"刷卡|pos|银行卡|银联|信用卡", re.IGNORECASE)),
    (Method.BANK, re.compile(r"银行|转账|转帐|汇款|网银|代扣|划扣|托收|对公|电汇|支票")),
    (Method.CASH, re.compile(r"现金")),
    (Method.OTHER, re.compile(r"其他|其它|聚合|扫码|线上|小程序|公众号|app|预存|微生活", re.IGNORECASE)),
)


def method_of(text: str) -> Payment.Method | None:
    """How it was paid, by the words of a cell; None where they say nothing known."""
    return next((method for method, words in WORDS if words.search(text)), None)
