"""Invented names, numbers and companies. Phones begin with 154, which no operator uses; ID numbers with 99."""

from random import Random

SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴"
    "夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
DOUBLE_SURNAMES = ("欧阳", "上官", "诸葛", "司马", "令狐")
GIVEN_NAMES = """
伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 建国 建华 志强 志远 海燕 海波 晓东 晓梅
雪梅 玉兰 玉珍 国强 春晖 春燕 秀英 秀兰 桂英 子轩 子涵 梓萱 雨薇 雨桐 思远 思琪 嘉怡 嘉豪 俊杰 浩然
佳慧 文博 文静 立新 卫东 红梅 金凤 振华 永康 永刚 淑华 淑珍 凤英 启明 启航 家明 家骏 一鸣 一诺 慧敏
慧玲 丹丹 婷婷 莉莉 小博 小红 宏伟 宏亮 新民 新宇 天成 天佑
"""
# Characters that old charging systems print as boxes: all of them are in the fonts that the letters use.
RARE_NAMES = "䶮 頔 翀 赟 垚 㛃 犇 喆 昶 甯 翯 珺 曌 燊 子䶮 羽頔 思翀 文赟 一垚 梓㛃 雨喆 景昶 若甯 晓珺"
COMPANY_NAMES = """
云州市临江便民超市有限公司 云州康和大药房有限公司 云州市小满餐饮管理有限公司 云州优学托管服务有限公司
云州市鲜禾果业有限公司 云州丽姿美容服务有限公司 云州市百顺五金经营部 云州安居房产经纪有限公司
云州市晨光干洗服务部 云州市老巷面馆 云州萌宠之家宠物服务有限公司 云州市捷修家电服务有限公司
云州悦动健身管理有限公司 云州市文轩图书有限公司 云州市喜乐烘焙坊 云州蓝湾口腔门诊有限公司
"""
GIVEN, RARE_GIVEN, COMPANIES = GIVEN_NAMES.split(), RARE_NAMES.split(), COMPANY_NAMES.split()
RARE_SHARE = 0.03
RELATIONS = ("儿子", "女儿", "父亲", "母亲", "配偶", "兄弟", "姐妹", "朋友")
STREETS = ("望湖路", "临江大道", "学府街", "建设北路", "梅园路", "滨河西路", "文昌街", "解放东路")
DISTRICTS = ("临江区", "望湖区", "新城区", "江北区")
CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"


def person_name(rng: Random) -> str:
    surname = rng.choice(DOUBLE_SURNAMES) if rng.random() < 0.01 else rng.choice(SURNAMES)
    return surname + rng.choice(RARE_GIVEN if rng.random() < RARE_SHARE else GIVEN)


def company_name(rng: Random) -> str:
    return rng.choice(COMPANIES)


def mobile(rng: Random) -> str:
    return f"154{rng.randrange(10**8):08d}"


def landline(rng: Random) -> str:
    return f"0599-155{rng.randrange(10**5):05d}"


def id_number(rng: Random) -> str:
    """Eighteen characters with a right check digit and a region that does not exist."""
    born = f"{rng.randint(1948, 2001)}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
    body = f"99{rng.randrange(10**4):04d}{born}{rng.randrange(1000):03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, CHECK_WEIGHTS, strict=True))
    return body + CHECK_DIGITS[total % 11]


def address_elsewhere(rng: Random) -> str:
    street, number = rng.choice(STREETS), rng.randint(1, 300)
    room = rng.randint(1, 18) * 100 + rng.randint(1, 4)
    return f"云州市{rng.choice(DISTRICTS)}{street}{number}号{rng.randint(1, 20)}栋{room}室"
