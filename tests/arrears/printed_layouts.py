"""Lists of charges in the layouts that charging systems print: pages, groups, merged cells, formulas, odd cells."""

from typing import Any

from tests.arrears.printed import Formula, Printed, book, day, text
from tests.arrears.printed_charges import FEE, HEADERS, PLAIN, charges

H: list[Any] = HEADERS["金蝶"].split(" ")


def printed_pages() -> bytes:
    page = ["", "", "", "本页小计", "", "", "", 208.5, 20.5, 188]
    return book(
        [
            ["凤凰城物业服务中心应收款明细表"],
            ["打印时间：2025-02-03 10:22", None, None, None, "单位：元"],
            [],
            H,
            *PLAIN[:2],
            page,
            ["第1页 共2页"],
            ["凤凰城物业服务中心应收款明细表"],
            H,
            PLAIN[2],
            ["", "", "", "本页小计", "", "", "", 200, 200, 0],
            ["合计", "", "", "", "", "", "", 408.5, 220.5, 188],
            ["制表人：张三", "", "审核：李四", "", "", "第2页 共2页"],
        ]
    )


def subtotals_by_building() -> bytes:
    return book(
        [
            H,
            *PLAIN[:2],
            ["1栋小计", "", "", "", "", "", "", 208.5, 20.5, 188],
            PLAIN[2],
            ["2栋小计", "", "", "", "", "", "", 200, 200, 0],
            ["总计：", "", "", "", "", "", "", 408.5, 220.5, 188],
        ]
    )


def subtotals_by_owner() -> bytes:
    return book(
        [
            H,
            PLAIN[0],
            ["1栋", "1单元", "101", "张伟", "小计", "", "", 120.5, 20.5, 100],
            PLAIN[1],
            ["1栋", "1单元", "102", "李娜", "小计", "", "", 88, 0, 88],
            PLAIN[2],
            ["2栋", "2单元", "1001", "王芳", "小计", "", "", 200, 200, 0],
            ["累计", "", "", "", "", "", "", 408.5, 220.5, 188],
        ]
    )


def subtotal_named_by_owner() -> bytes:
    """张伟 小计 in the owner's cell, 合计 in the fee's."""
    return book(
        [
            H,
            PLAIN[0],
            ["", "", "", "张伟 小计", "", "", "", 120.5, 20.5, 100],
            PLAIN[1],
            ["", "", "", "李娜 小计", "", "", "", 88, 0, 88],
            PLAIN[2],
            ["", "", "", "", "合计", "", "", 200, 200, 0],
            ["", "", "", "", "", "", "总计", 408.5, 220.5, 188],
        ]
    )


TWO_FEES: list[list[Any]] = [
    ["1栋", "1单元", "101", "张伟", FEE, "2025-01-01", "2025-01-31", 120.5, 20.5, 100],
    [None, None, None, None, "水费", "2025-01-01", "2025-01-31", 30, 0, 30],
    [None, None, "102", "李娜", FEE, "2025-01-01", "2025-01-31", 88, 0, 88],
    [None, None, None, None, "水费", "2025-01-01", "2025-01-31", 12, 12, 0],
]
OF_TWO_FEES = {"due": "250.50", "paid": "32.50", "outstanding": "218.00"}
MERGED = ["A2:A5", "B2:B5", "C2:C3", "C4:C5", "D2:D3", "D4:D5"]
CASES: dict[str, Printed] = {
    "pages with repeated headers": charges(printed_pages),
    "subtotals by building": charges(subtotals_by_building),
    "subtotals by owner": charges(subtotals_by_owner),
    "subtotals named by owner": charges(subtotal_named_by_owner),
    "merged cells down": charges(
        lambda: book([H, *TWO_FEES], merged=MERGED), rows=4, sums=OF_TWO_FEES, units=frozenset({"1-1-101", "1-1-102"})
    ),
    "blank below the first": charges(
        lambda: book([H, *TWO_FEES]),
        remarks=["carried"],
        rows=4,
        sums=OF_TWO_FEES,
        units=frozenset({"1-1-101", "1-1-102"}),
    ),
    "merged cells down in csv": charges(
        lambda: text([H, *TWO_FEES]).encode("gb18030"),
        name="a.csv",
        remarks=["carried"],
        rows=4,
        sums=OF_TWO_FEES,
        units=frozenset({"1-1-101", "1-1-102"}),
    ),
    "blank rows and columns": charges(
        lambda: book(
            [
                [None] * 12,
                [None, None, *H],
                *([None, None, *line] if n % 2 == 0 else [] for line in PLAIN for n in (0, 1)),
            ]
        )
    ),
    "spacer columns": charges(lambda: book([[cell for one in line for cell in (one, None)] for line in [H, *PLAIN]])),
    "hidden sheet": charges(lambda: book({"明细": [H, *PLAIN], "参数": [H, *PLAIN]}, hidden=["参数"])),
    "hidden column": charges(lambda: book([H, *PLAIN], hidden_columns=[3])),
    "sheet per building": charges(lambda: book({"1栋": [H, *PLAIN[:2]], "2栋": [H, PLAIN[2]]})),
    "sheet per building, rooms alone": charges(
        lambda: book({"1栋": [[*H[2:]], *(line[2:] for line in PLAIN[:2])], "2栋": [[*H[2:]], PLAIN[2][2:]]}),
        units=frozenset({"1-101", "1-102", "2-1001"}),
        remarks=["given", "given"],
    ),
    "summary sheet beside": charges(
        lambda: book(
            {
                "汇总": [["楼栋", "应收金额", "已收金额", "欠费金额"], ["1栋", 208.5, 20.5, 188], ["2栋", 200, 200, 0]],
                "明细": [H, *PLAIN],
            }
        )
    ),
    "numbers as text": charges(
        lambda: book(
            [H, *([*line[:7], f"¥{line[7]:,.2f} ", f"￥{line[8]:.2f}", f" {line[9]:,.2f}元"] for line in PLAIN)]
        )
    ),
    "full width": charges(
        lambda: book(
            [
                H,
                *(
                    [
                        *line[:7],
                        f"{line[7]:.2f}".translate(str.maketrans("0123456789.", "０１２３４５６７８９．")),
                        line[8],
                        line[9],
                    ]
                    for line in PLAIN
                ),
            ]
        )
    ),
    "float noise": charges(
        lambda: book([H, [*PLAIN[0][:7], 120.50000000000001, 20.499999999999996, 100.00000000000003], *PLAIN[1:]])
    ),
    "dashes for nothing": charges(lambda: book([H, PLAIN[0], [*PLAIN[1][:8], "-", 88], [*PLAIN[2][:9], "—"]])),
    "accounting format": charges(lambda: book([H, PLAIN[0], [*PLAIN[1][:8], " - ", 88], [*PLAIN[2][:9], "0.00"]])),
    "dates": charges(
        lambda: book([H, *([*line[:5], day(line[5]), day(line[6]), *line[7:]] for line in PLAIN)]),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "120.50")],
    ),
    "dates of 1904": charges(
        lambda: book([H, *([*line[:5], day(line[5]), day(line[6]), *line[7:]] for line in PLAIN)], since_1904=True),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "120.50")],
    ),
    "serial numbers": charges(
        lambda: book([H, *([*line[:5], 45658, 45688, *line[7:]] for line in PLAIN)]),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "120.50")],
    ),
    "serial numbers as text": charges(
        lambda: book([H, *([*line[:5], "45658", "45688", *line[7:]] for line in PLAIN)]),
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "120.50")],
    ),
    "dates with time": charges(
        lambda: book([H, *([*line[:5], f"{line[5]} 00:00:00", f"{line[6]} 23:59:59", *line[7:]] for line in PLAIN)])
    ),
    "formulas with values": charges(
        lambda: book(
            [
                H,
                *([*line[:9], Formula(f"=H{n}-I{n}", line[9])] for n, line in enumerate(PLAIN, 2)),
                [
                    "合计",
                    *[None] * 6,
                    Formula("=SUM(H2:H4)", 408.5),
                    Formula("=SUM(I2:I4)", 220.5),
                    Formula("=SUM(J2:J4)", 188),
                ],
            ]
        )
    ),
    "formula without value": charges(
        lambda: book([H, [*PLAIN[0][:7], Formula("=1+1"), *PLAIN[0][8:]], *PLAIN[1:]]),
        mistakes=[(2, "H", "formula_without_value")],
        rows=3,
        units=frozenset({"1-1-102", "2-2-1001"}),
        sums={"due": "288.00", "paid": "200.00", "outstanding": "88.00"},
    ),
    "meter readings": charges(
        lambda: book(
            [
                [
                    "楼栋",
                    "单元",
                    "房号",
                    "客户名称",
                    "收费项目",
                    "账期",
                    "上次读数",
                    "本次读数",
                    "用量",
                    "单价",
                    "应收金额",
                    "实收金额",
                    "欠费金额",
                    "违约金",
                ],
                ["1栋", "1单元", "101", "张伟", "水费", "2025-01", 100, 120, 20, 3.5, 70, 0, 70, 1.2],
                ["1栋", "1单元", "102", "李娜", "水费", "2025-01", 80, 90, 10, 3.5, 35, 35, 0, 0],
            ]
        ),
        rows=2,
        units=frozenset({"1-1-101", "1-1-102"}),
        sums={"due": "105.00", "paid": "35.00", "outstanding": "70.00"},
    ),
    "price and area": charges(
        lambda: book(
            [
                [
                    "资源编码",
                    "业主",
                    "建筑面积",
                    "单价",
                    "月数",
                    "费用名称",
                    "费用期间",
                    "应收金额",
                    "减免金额",
                    "实收金额",
                    "未收金额",
                ],
                ["1-1-101", "张伟", 89.5, 2.5, 3, "物业管理费", "2024-01-01至2024-03-31", 671.25, 71.25, 100, 500],
                ["1-1-102", "李娜", 100, 2.5, 3, "物业管理费", "2024-01-01至2024-03-31", 750, 0, 0, 750],
            ]
        ),
        rows=2,
        units=frozenset({"1-1-101", "1-1-102"}),
        sums={"due": "1421.25", "paid": "100.00", "outstanding": "1250.00"},
    ),
    "spans years": charges(
        lambda: book(
            [["楼栋", "房号", "收费项目", "起止日期", "应收金额"], ["1栋", "101", FEE, "2023-07-01至2024-06-30", 1200]]
        ),
        rows=1,
        units=frozenset({"1-101"}),
        sums={"due": "1200.00", "paid": "0.00", "outstanding": "1200.00"},
        charges=[("1-101", "2023-07-01", "2023-07-31", "100.00"), ("1-101", "2024-06-01", "2024-06-30", "100.00")],
    ),
    "year column": charges(
        lambda: book([["楼栋", "房号", "收费项目", "年度", "应收金额"], ["1栋", "101", FEE, "2024", 1200]]),
        rows=1,
        units=frozenset({"1-101"}),
        sums={"due": "1200.00", "paid": "0.00", "outstanding": "1200.00"},
        charges=[("1-101", "2024-01-01", "2024-12-31", "1200.00")],
    ),
    "year and month columns": charges(
        lambda: book(
            [
                ["楼栋", "房号", "收费项目", "年份", "月份", "应收金额"],
                ["1栋", "101", FEE, 2024, 3, 100],
                ["1栋", "102", FEE, 2024, 12, 100],
            ]
        ),
        rows=2,
        units=frozenset({"1-101", "1-102"}),
        sums={"due": "200.00", "paid": "0.00", "outstanding": "200.00"},
        charges=[("1-101", "2024-03-01", "2024-03-31", "100.00"), ("1-102", "2024-12-01", "2024-12-31", "100.00")],
    ),
    "negative": charges(
        lambda: book([H, PLAIN[0], ["1栋", "1单元", "102", "李娜", FEE, "2025-01-01", "2025-01-31", -88, 0, -88]]),
        rows=2,
        mistakes=[(3, "H", "negative")],
        units=frozenset({"1-1-101"}),
        sums={"due": "120.50", "paid": "20.50", "outstanding": "100.00"},
    ),
    "negative in brackets": charges(
        lambda: book(
            [H, PLAIN[0], ["1栋", "1单元", "102", "李娜", FEE, "2025-01-01", "2025-01-31", "(88.00)", 0, "(88.00)"]]
        ),
        rows=2,
        mistakes=[(3, "H", "negative")],
        units=frozenset({"1-1-101"}),
        sums={"due": "120.50", "paid": "20.50", "outstanding": "100.00"},
    ),
    "parking and shops": charges(
        lambda: book(
            [
                ["资源名称", "收费项目", "所属月份", "应收金额"],
                ["B1-035", "停车费", "2025-01", 300],
                ["地下车位A123", "停车费", "2025-01", 300],
                ["商铺12", "商铺物业费", "2025-01", 500],
                ["S-05", "商铺物业费", "2025-01", 500],
                ["12号", FEE, "2025-01", 900],
            ]
        ),
        rows=5,
        sums={"due": "1600.00", "paid": "0.00", "outstanding": "1600.00"},
        mistakes=[(6, "A", "no_building")],
        units=frozenset({"B1-35", "地下车位-A123", "商铺-12", "S-5"}),
    ),
    "header group over fees": charges(
        lambda: book(
            [
                ["楼栋", "单元", "房号", "业主", "收费项目", "计费期间", None, "金额", None, None],
                [None, None, None, None, None, "开始日期", "结束日期", "应收", "实收", "欠费"],
                *PLAIN,
            ],
            merged=["A1:A2", "B1:B2", "C1:C2", "D1:D2", "E1:E2", "F1:G1", "H1:J1"],
        )
    ),
    "month sheets without period": charges(
        lambda: book(
            {
                "2025年1月": [["楼栋", "单元", "房号", "收费项目", "应收金额"], ["1栋", "1单元", "101", FEE, 100]],
                "2025年2月": [["楼栋", "单元", "房号", "收费项目", "应收金额"], ["1栋", "1单元", "101", FEE, 100]],
            }
        ),
        rows=2,
        sums={"due": "200.00", "paid": "0.00", "outstanding": "200.00"},
        units=frozenset({"1-1-101"}),
        remarks=["given", "given"],
        charges=[("1-1-101", "2025-01-01", "2025-01-31", "100.00"), ("1-1-101", "2025-02-01", "2025-02-28", "100.00")],
    ),
    "quoted newlines": charges(
        lambda: text(
            [[*H[:3], "业主\n（产权人）", *H[4:]], *([*line[:3], f" {line[3]}\n", *line[4:]] for line in PLAIN)]
        ).encode("utf-8-sig"),
        name="a.csv",
    ),
    "tabs": charges(lambda: text([H, *PLAIN], separator="\t").encode("gb18030"), name="a.txt"),
    "semicolons": charges(lambda: text([H, *PLAIN], separator=";").encode(), name="a.csv"),
    "thousands in csv": charges(
        lambda: text([H, *([*line[:7], *(f"{c:,.2f}" for c in line[7:])] for line in PLAIN)]).encode("gb18030"),
        name="a.csv",
    ),
    "wide charges": charges(
        lambda: book(
            [
                ["楼栋", "单元", "房号", "业主", "月份", "物业费", "公摊水电费", "水费", "合计"],
                ["1栋", "1单元", "101", "张伟", "2025-01", 100, 12.5, 30, 142.5],
                ["1栋", "1单元", "102", "李娜", "2025-01", 100, None, 0, 100],
            ]
        ),
        rows=2,
        sums={"due": "242.50", "paid": "0.00", "outstanding": "242.50"},
        units=frozenset({"1-1-101", "1-1-102"}),
    ),
    "wide charges with a broken formula": charges(
        lambda: book([["楼栋", "房号", "月份", "物业费", "水费"], ["1栋", "101", "2025-01", 100, Formula("=1+1")]]),
        rows=1,
        sums={"due": "0.00", "paid": "0.00", "outstanding": "0.00"},
        units=frozenset(),
        mistakes=[(2, "E", "formula_without_value")],
    ),
    "wide charges with totals": charges(
        lambda: book(
            [
                ["楼栋", "单元", "房号", "业主", "月份", "物业费", "水费", "应收合计"],
                ["1栋", "1单元", "101", "张伟", "2025-01", 100, 30, 130],
                ["1栋", "1单元", "102", "李娜", "2025-01", 100, "二十", 120],
                ["合计", None, None, None, None, 200, 50, 250],
            ]
        ),
        rows=2,
        sums={"due": "130.00", "paid": "0.00", "outstanding": "130.00"},
        units=frozenset({"1-1-101"}),
        mistakes=[(3, "G", "amount_in_words")],
        remarks=["total_differs"],
    ),
    "another estate in a column": charges(
        lambda: book([["小区名称", *H], *(["碧水湾", *line] for line in PLAIN)]),
        remarks=["another_estate"],
    ),
}
