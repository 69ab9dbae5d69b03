"""Names of columns of interactions, and the lines of one file by role."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from tenfold.core.columns import Problem
from tenfold.core.message import Message

__all__ = ["KEYS", "ROLES", "TITLES", "Frame", "Grid", "role_of", "words_of"]

ROLES = {
    "user": (
        "user userid uid username usernumber userno customer customerid customerno customernumber "
        "customercode visitor visitorid reviewer reviewerid buyer buyerid shopper shopperid "
        "session sessionid member memberid memberno person personid client clientid account "
        "accountid household householdid householdkey kunde kundenid kundennr kundennummer nutzer "
        "nutzerid cliente clienteid usuario usuarioid utilisateur "
        "用户 用户id 用户编号 顾客 顾客id 顾客编号 会员 会员id 会员编号 客户 客户id 客户编号 买家"
    ).split(),
    "item": (
        "item itemid iid itemno itemnumber itemcode movie movieid film filmid product productid "
        "productcode productno productnumber asin parentasin sku stockcode article articleid "
        "articleno articlecode artikel artikelid artikelnr artikelnummer producto productoid "
        "produit track trackid artist artistid song songid book bookid isbn business businessid "
        "goods goodsid news newsid game gameid anime animeid video videoid recipe recipeid course "
        "courseid barcode ean gtin upc app appid "
        "物品 物品id 商品 商品id 商品编号 商品编码 货号 产品 产品id "
        "电影 电影id 歌曲 歌曲id 图书 图书id"
    ).split(),
    "rating": (
        "rating ratings score stars star preference overall vote liked like bewertung note "
        "评分 打分 评级 星级 分数 喜欢"
    ).split(),
    "time": (
        "time timestamp date datetime ts unixreviewtime createdat eventtime datum fecha "
        "时间 日期 时间戳"
    ).split(),
    "weight": (
        "weight count counts plays playcount listens listencount quantity qty menge anzahl "
        "frequency clicks views 次数 数量 播放次数"
    ).split(),
    "undone": "returned cancelled canceled refunded isreturned iscancelled 退货 取消".split(),
    "status": "status state orderstatus 状态".split(),
}
"""Usual names of columns, without spaces and signs. `undone` means no where it is true."""
TITLES = frozenset("title name titel titre titulo 标题 名称 片名 书名 品名".split())
KEYS = frozenset(("id", "key", "code", "no", "编号"))
_NOT_A_RATING = frozenset("average avg mean count num number total n min max sum".split())


@dataclass
class Grid:
    """The lines of one file as a table: N lines by columns of texts.

    Without `header` the columns are called "column 1", "column 2" ... `numbers` (N,) are line
    numbers. `commas` is True where a comma cannot be the separator of cells. `notes` are sentences
    about how the file was read.
    """

    frame: pd.DataFrame
    name: str
    part: str
    header: bool
    numbers: np.ndarray
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    commas: bool = False
    notes: list[Message] = field(default_factory=list)


@dataclass
class Frame:
    """The lines of one file: one column of N texts for each role that the file has.

    `names` are the names of these columns. `numbers` (N,) are line numbers, `extra` the columns
    without a role, `by` those that scores are reported by. `ordered` is True where the order of
    the lines is the order in time. `order` is that of day and month in its dates.
    """

    columns: dict[str, pd.Series]
    numbers: np.ndarray
    name: str
    part: str
    problems: list[tuple[str, Problem]]
    ordered: bool = False
    extra: dict[str, pd.Series] = field(default_factory=dict)
    by: dict[str, pd.Series] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    header: bool = True
    commas: bool = False
    order: str = ""


def role_of(name: str) -> str | None:
    """Returns the role of a usual column name, such as user, item, rating or time; else None.

    A name that contains the word rating, such as Book-Rating, is a rating.
    """
    plain = re.sub(r"[\s_\-.]", "", str(name).split(":")[0].strip().lower())
    for role, names in ROLES.items():
        if plain in names:
            return role
    words = words_of(name)
    if {"rating", "ratings", "评分"} & words and not words & _NOT_A_RATING:
        return "rating"
    return None


def words_of(name: str) -> set[str]:
    """Returns the words of a column name in lower case."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(name))
    return {word for word in re.split(r"[\W_]+", spaced.lower()) if word}
