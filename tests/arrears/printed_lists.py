"""Arrears lists as of a day in the ways in which charging systems print them."""

import datetime as dt
from typing import Any

from tests.arrears.printed import Formula, Printed, book, text

TITLE: list[list[Any]] = [["凤凰城欠费清单"], ["截至2025年2月28日", None, None, "单位：元"]]
SUMS = {"outstanding": "350.00", "printed_late_fee": "0.00"}
UNITS = frozenset({"1-1-101", "1-1-102"})
AS_OF = dt.date(2025, 2, 28)


def arrears(make: Any, **of: Any) -> Printed:
    of = {"sums": SUMS, "rows": 2, "units": UNITS} | of
    return Printed("arrears_list", make, **of)


def by_rows(*header: str) -> list[list[Any]]:
    return [
        *TITLE,
        list(header),
        ["1栋", "1单元", "101", "张伟", "物业服务费", "2025-01-01", "2025-01-31", 150],
        ["1栋", "1单元", "102", "李娜", "物业服务费", "2025-01-01", "2025-01-31", 200],
    ]


ROW_HEADERS = {
    "金蝶": "楼栋 单元 房号 客户 收费项目 开始日期 结束日期 欠费金额",
    "用友": "楼号 单元号 室号 客户名称 收费科目 计费开始日期 计费结束日期 未收金额",
    "极致": "幢 单元 房间号 业主姓名 费用名称 费用开始日期 费用结束日期 欠费",
    "思源": "座 单元 门牌号 住户姓名 费用项目 起始日期 截止日期 欠缴金额",
    "明源": "楼阁 单元 户号 业主 费项 开始时间 结束时间 余额",
    "千丁": "楼宇名称 单元 房屋号 户主 科目 计费起始日期 计费截止日期 欠费合计",
}
CASES: dict[str, Printed] = {
    f"rows under the header of {name}": arrears(lambda words=words: book(by_rows(*words.split(" "))))
    for name, words in ROW_HEADERS.items()
}
ID: list[Any] = ["楼栋", "单元", "房号", "业主姓名"]
A: list[Any] = ["1栋", "1单元", "101", "张伟"]
B: list[Any] = ["1栋", "1单元", "102", "李娜"]


def grouped(*, rows: Any, top: Any, below: Any, merged: Any, middle: Any = None) -> Any:
    lines = [*TITLE, [*ID, *top], *([[None] * 4 + middle] if middle else []), [None] * 4 + below, *rows]
    return lambda: book(lines, merged=merged)


CASES |= {
    "fee with years": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "2023年物业费欠费", "2024年物业费欠费", "2025年物业费欠费", "欠费合计"],
                [*A, 50, 60, 40, 150],
                [*B, 0, 100, 100, 200],
            ]
        ),
        charges=[("1-1-101", "2023-01-01", "2023-12-31", "50.00"), ("1-1-101", "2024-01-01", "2024-12-31", "60.00")],
    ),
    "years under a fee": arrears(
        grouped(
            top=["物业费", None, None, "合计"],
            below=["2023年", "2024年", "2025年", None],
            merged=["E3:G3", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "H3:H4"],
            rows=[[*A, 50, 60, 40, 150], [*B, 0, 100, 100, 200]],
        ),
        charges=[("1-1-101", "2023-01-01", "2023-12-31", "50.00"), ("1-1-101", "2024-01-01", "2024-12-31", "60.00")],
    ),
    "years and fees in rows": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "2023年欠费", "2024年欠费", "2025年欠费", "欠费合计"],
                [*A, "物业费", 50, 60, 40, 150],
                [*B, "物业费", None, 100, 100, 200],
            ]
        ),
        charges=[("1-1-101", "2023-01-01", "2023-12-31", "50.00")],
    ),
    "month columns": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "2024年12月", "2025年1月", "2025年2月", "合计"],
                [*A, "物业费", 50, 60, 40, 150],
                [*B, "物业费", None, 100, 100, 200],
            ]
        ),
        charges=[("1-1-101", "2024-12-01", "2024-12-31", "50.00")],
    ),
    "months of the title's year": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "1月", "2月", "合计"],
                [*A, "物业费", 50, 100, 150],
                [*B, "物业费", None, 200, 200],
            ]
        ),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "50.00")],
    ),
    "short years and several": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "2021-2022年欠费", "23年欠费", "24年欠费", "合计"],
                [*A, "物业费", 50, 60, 40, 150],
                [*B, "物业费", None, 100, 100, 200],
            ]
        ),
        charges=[
            ("1-1-101", "2021-01-01", "2022-12-31", "50.00"),
            ("1-1-101", "2023-01-01", "2023-12-31", "60.00"),
        ],
    ),
    "before a year": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "2024年以前", "2024年", "2025年", "合计"],
                [*A, "物业费", 50, 60, 40, 150],
                [*B, "物业费", None, 100, 100, 200],
            ]
        ),
    ),
    "two rows of header": arrears(
        grouped(
            top=["物业费", None, "水费", None, "合计"],
            below=["本期", "往期", "本期", "往期", None],
            merged=["E3:F3", "G3:H3", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "I3:I4"],
            rows=[[*A, 50, 60, 30, 10, 150], [*B, 100, 100, 0, None, 200]],
        ),
    ),
    "three rows of header": arrears(
        grouped(
            top=["欠费明细", None, None, None, None, None, None],
            middle=["物业费", None, None, "水费", None, None, "合计"],
            below=["本期", "往年", "小计", "本期", "往年", "小计", None],
            merged=["E3:K3", "E4:G4", "H4:J4", "K4:K5", "A3:A5", "B3:B5", "C3:C5", "D3:D5"],
            rows=[[*A, 50, 60, 110, 30, 10, 40, 150], [*B, 100, 100, 200, 0, None, 0, 200]],
        ),
    ),
    "group header with measure": arrears(
        grouped(
            top=["物业费（元）", None, "公摊水电（元）", None, "欠费\n合计"],
            below=["本月\n欠费", "历年\n欠费", "本月\n欠费", "历年\n欠费", None],
            merged=["E3:F3", "G3:H3", "A3:A4", "B3:B4", "C3:C4", "D3:D4", "I3:I4"],
            rows=[[*A, 50, 60, 30, 10, 150], [*B, 100, 100, 0, None, 200]],
        ),
    ),
    "fees side by side": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "物业费", "水费", "电费", "合计", "滞纳金"],
                [*A, 100, 30, 20, 150, 1.5],
                [*B, 200, 0, "-", 200, 0],
            ]
        ),
        sums={"outstanding": "350.00", "printed_late_fee": "1.50"},
    ),
    "late fee apart": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "欠费本金", "违约金", "欠费合计"],
                [*A, "物业费", 150, 3, 153],
                [*B, "物业费", 200, 4, 204],
            ]
        ),
        sums={"outstanding": "350.00", "printed_late_fee": "7.00"},
    ),
    "carried over, this year, this month": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "上年结转", "本年欠费", "合计"],
                [*A, "物业费", 100, 50, 150],
                [*B, "物业费", 150, 50, 200],
            ]
        ),
    ),
    "historic and this year": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "历年欠费", "本年欠费", "欠费合计"],
                [*A, "物业费", 100, 50, 150],
                [*B, "物业费", 150, 50, 200],
            ]
        ),
    ),
    "credit": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "欠费金额"],
                [*A, "物业费", 150],
                [*B, "物业费", 200],
                ["1栋", "1单元", "103", "赵六", "物业费", -80],
            ]
        ),
        rows=3,
        units=UNITS | {"1-1-103"},
        remarks=["is_credit"],
    ),
    "credit in brackets": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "欠费金额"],
                [*A, "物业费", "150.00"],
                [*B, "物业费", "200.00"],
                ["1栋", "1单元", "103", "赵六", "物业费", "(80.00)"],
            ]
        ),
        rows=3,
        units=UNITS | {"1-1-103"},
        remarks=["is_credit"],
    ),
    "merged down by fee": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "欠费金额"],
                [*A, "物业费", 100],
                [None, None, None, None, "水费", 50],
                [None, None, *B[2:], "物业费", 200],
            ],
            merged=["A4:A6", "B4:B6", "C4:C5", "D4:D5"],
        ),
        rows=3,
    ),
    "pages and totals": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "收费项目", "欠费金额"],
                [*A, "物业费", 150],
                ["本页小计", None, None, None, None, 150],
                ["第1页，共2页"],
                *TITLE,
                [*ID, "收费项目", "欠费金额"],
                [*B, "物业费", 200],
                ["本页小计", None, None, None, None, 200],
                ["总计（大写）：叁佰伍拾元整", None, None, None, None, 350],
                ["制表：张三", None, "审核：", None, "打印时间：2025-03-01 09:00:00"],
            ]
        ),
    ),
    "summary first": arrears(
        lambda: book(
            {
                "汇总": [["楼栋", "户数", "欠费金额"], ["1栋", 2, 350], ["合计", 2, 350]],
                "明细": [*TITLE, [*ID, "收费项目", "欠费金额"], [*A, "物业费", 150], [*B, "物业费", 200]],
            }
        ),
    ),
    "whole without fee": arrears(
        lambda: book([["凤凰城物业费欠费清单"], ["截至2025年2月28日"], [*ID, "欠费金额"], [*A, 150], [*B, 200]]),
        remarks=["given"],
    ),
    "months owed beside": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "建筑面积", "收费标准", "收费项目", "欠费月数", "欠费起止", "欠费金额", "备注"],
                [*A, 100, 1.5, "物业费", 1, "2025-01-01至2025-01-31", 150, "已电话"],
                [*B, 100, 2, "物业费", 1, "202501-202501", 200, ""],
            ]
        ),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "150.00")],
    ),
    "formulas": arrears(
        lambda: book(
            [
                *TITLE,
                [*ID, "物业费", "水费", "合计"],
                [*A, 100, 50, Formula("=E4+F4", 150)],
                [*B, 200, 0, Formula("=E5+F5", 200)],
                [
                    "合计",
                    None,
                    None,
                    None,
                    Formula("=SUM(E4:E5)", 300),
                    Formula("=SUM(F4:F5)", 50),
                    Formula("=SUM(G4:G5)", 350),
                ],
            ]
        ),
    ),
    "as csv": arrears(
        lambda: text(
            [*TITLE, [*ID, "收费项目", "欠费金额"], [*A, "物业费", "150.00"], [*B, "物业费", "200.00"]]
        ).encode("gb18030"),
        name="a.csv",
    ),
    "serial number and note columns": arrears(
        lambda: book(
            [
                *TITLE,
                ["序号", *ID, "联系电话", "物业费", "公摊电费", "欠费总额", "备注"],
                [1, *A, "13800138000", 100, 50, 150, None],
                [2, *B, "13900139000", 200, 0, 200, "长期无人"],
            ]
        ),
    ),
}
