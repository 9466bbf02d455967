"""Lists of payments in the ways in which charging systems and banks print them."""

from typing import Any

from tests.arrears.printed import Printed, book, day, text

H: list[Any] = ["房号", "业主姓名", "收费项目", "收款日期", "收款金额", "收款方式", "收据号", "流水号", "备注"]
FEE = "物业服务费"
PLAIN: list[list[Any]] = [
    ["1-1-101", "张伟", FEE, "2025-01-05", 120.5, "微信", "SJ001", "LS001", ""],
    ["1-1-102", "李娜", FEE, "2025-01-06", 88, "现金", "SJ002", "LS002", "代缴"],
    ["2-2-1001", "王芳", FEE, "2025-01-07", 200, "银行转账", "SJ003", "LS003", ""],
]
SUMS = {"amount": "408.50"}
UNITS = frozenset({"1-1-101", "1-1-102", "2-2-1001"})


def payments(make: Any, **of: Any) -> Printed:
    of = {"sums": SUMS, "rows": 3, "units": UNITS} | of
    return Printed("payments", make, **of)


HEADERS = {
    "金蝶": "房号 客户 收费项目 收款日期 收款金额 收款方式 收据号 流水号 备注",
    "用友": "房间编号 客户名称 费用项目 缴费时间 缴费金额 支付方式 票据号 交易号 摘要",
    "极致": "物业编号 业主 费用名称 交易时间 实收金额 结算方式 票据编号 交易流水号 说明",
    "思源": "户号 住户 科目 入账日期 本次实收 收费方式 发票号码 订单号 备注",
    "明源": "资源编码 产权人 收费科目 到账日期 回款金额 支付渠道 票号 支付单号 用途",
    "千丁": "房产名称 业户 收费名称 支付时间 支付金额 付款方式 小票号 商户订单号 附言",
    "wordy": "房屋编号 业主姓名 收费项目 实际收款日期 实际收款金额（元） 付款方式 收据号码 银行流水号 备注说明",
}
CASES: dict[str, Printed] = {
    f"header of {name}": payments(lambda words=words: book([words.split(" "), *PLAIN]))
    for name, words in HEADERS.items()
}
REFUNDS: list[list[Any]] = [
    *PLAIN,
    ["1-1-102", "李娜", FEE, "2025-01-08", -88, "现金", "SJ002", "LS004", "红冲"],
]


def daily_report() -> bytes:
    return book(
        [
            ["凤凰城收款日报表"],
            ["收款日期：2025-01-05 至 2025-01-07", None, None, "收款员：赵六"],
            H,
            *PLAIN[:2],
            ["小计", None, None, None, 208.5],
            H,
            PLAIN[2],
            ["合计", None, None, None, 408.5],
            ["制表人：赵六", None, None, "审核人：", None, None, "第1页/共1页"],
        ]
    )


CASES |= {
    "daily report": payments(daily_report),
    "times": payments(lambda: book([H, *([*line[:3], f"{line[3]} 09:31:22", *line[4:]] for line in PLAIN)])),
    "dates": payments(lambda: book([H, *([*line[:3], day(line[3]), *line[4:]] for line in PLAIN)])),
    "packed times": payments(
        lambda: text([H, *([*line[:3], line[3].replace("-", "") + "093122", *line[4:]] for line in PLAIN)]).encode(),
        name="a.csv",
    ),
    "numbers of a bank kept as text by a tab": payments(
        lambda: text([H, *([*line[:7], f"420000{n:022d}\t", line[8]] for n, line in enumerate(PLAIN))]).encode(
            "gb18030"
        ),
        name="a.csv",
    ),
    "backquote before numbers": payments(
        lambda: text([H, *([*line[:7], f"`420000{n:022d}", line[8]] for n, line in enumerate(PLAIN))]).encode(
            "gb18030"
        ),
        name="a.csv",
    ),
    "two amounts": payments(
        lambda: book(
            [
                ["房号", "收费项目", "应收金额", "实收金额", "收款日期", "支付方式"],
                *([line[0], line[2], line[4] + 1, line[4], line[3], line[5]] for line in PLAIN),
            ]
        )
    ),
    "refund cancels": payments(
        lambda: book([H, *REFUNDS]),
        rows=4,
        remarks=["cancels"],
        sums={"amount": "320.50"},
        units=frozenset({"1-1-101", "2-2-1001"}),
    ),
    "type column of refunds": payments(
        lambda: book(
            [
                [*H, "交易类型"],
                *([*line, "收款"] for line in PLAIN),
                [*PLAIN[1][:3], "2025-01-09", 88, "现金", "SJ009", "LS009", "", "退款"],
            ]
        ),
        rows=4,
        sums={"amount": "320.50"},
        units=frozenset({"1-1-101", "2-2-1001"}),
        remarks=["cancels"],
    ),
    "refund before its payment": payments(
        lambda: book([H, REFUNDS[3], *PLAIN]),
        rows=4,
        sums={"amount": "320.50"},
        units=frozenset({"1-1-101", "2-2-1001"}),
        remarks=["cancels"],
    ),
    "refund of another amount": payments(
        lambda: book([H, *PLAIN, [*REFUNDS[3][:4], -50, *REFUNDS[3][5:]]]),
        rows=4,
        mistakes=[(5, "E", "paid_back")],
    ),
    "void by its state": payments(
        lambda: book([[*H, "单据状态"], *([*line, "正常"] for line in PLAIN[:2]), [*PLAIN[2], "已作废"]]),
        sums={"amount": "208.50"},
        units=frozenset({"1-1-101", "1-1-102"}),
        remarks=["void"],
    ),
    "prepaid for a fee": payments(lambda: book([H, *([*line[:2], "预存物业费", *line[3:]] for line in PLAIN)])),
    "prepaid": payments(
        lambda: book([H, PLAIN[0], ["1-1-102", "李娜", "预收款", "2025-01-06", 1000, "微信", "SJ9", "LS9", ""]]),
        rows=2,
        sums={"amount": "1120.50"},
        units=frozenset({"1-1-101", "1-1-102"}),
    ),
    "building apart": payments(
        lambda: book([["楼栋", "单元", "房号", *H[1:]], *([*line[0].split("-"), *line[1:]] for line in PLAIN)])
    ),
    "merged per receipt": payments(
        lambda: book(
            [
                ["收据号", "收款日期", "房号", "业主", "收费项目", "收款金额"],
                ["SJ1", "2025-01-05", "1-1-101", "张伟", FEE, 100],
                [None, None, None, None, "水费", 20.5],
            ],
            merged=["A2:A3", "B2:B3", "C2:C3", "D2:D3"],
        ),
        rows=2,
        sums={"amount": "120.50"},
        units=frozenset({"1-1-101"}),
    ),
    "one serial for two fees": payments(
        lambda: book([H, PLAIN[0], [*PLAIN[0][:2], "水费", *PLAIN[0][3:]]]),
        rows=2,
        sums={"amount": "241.00"},
        units=frozenset({"1-1-101"}),
    ),
    "wide payments": payments(
        lambda: book(
            [
                ["房号", "业主", "收款日期", "收据号", "物业费", "水费", "停车费", "合计", "收款方式"],
                ["1-1-101", "张伟", "2025-01-05", "SJ1", 100, 20.5, None, 120.5, "微信"],
                ["1-1-102", "李娜", "2025-01-06", "SJ2", 88, None, None, 88, "现金"],
            ]
        ),
        rows=2,
        sums={"amount": "208.50"},
        units=frozenset({"1-1-101", "1-1-102"}),
    ),
    "negative without a word": payments(
        lambda: book([H, PLAIN[0], [*PLAIN[1][:4], -5, *PLAIN[1][5:]]]),
        rows=2,
        mistakes=[(3, "E", "paid_back")],
        sums={"amount": "120.50"},
        units=frozenset({"1-1-101"}),
    ),
}
