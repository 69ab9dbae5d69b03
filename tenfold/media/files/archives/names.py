"""Finds the encoding of file names in an archive that does not state it, from all names together.

UTF-8 is taken where every name is valid in it. Otherwise each candidate that decodes every name is
scored by `plausibility`, and the best is taken. Of two that are equally plausible, the earlier of
the candidates is taken. Where a second one is nearly as plausible, the message names both.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tenfold.core.message import EMPTY, Message
from tenfold.core.text import printable

__all__ = ["OF_TAR", "OF_ZIP", "DecodedNames", "decoded", "plausibility"]

_ASIAN = {"gb18030": "GB18030", "cp932": "Shift-JIS", "big5hkscs": "Big5", "cp949": "EUC-KR"}
OF_ZIP = {**_ASIAN, "cp866": "cp866", "cp850": "cp850", "cp437": "cp437"}
"""Candidates for names in a zip, in order of preference; programs for DOS and Windows write them
in the code page of the system.
"""
OF_TAR = {**_ASIAN, "cp1251": "cp1251", "cp1252": "cp1252"}
"""Candidates for names in a tar, in order of preference."""

LEAST = 0.35
"""Plausibility below which a candidate is not taken."""
EQUAL, NEAR = 0.02, 0.15
"""Difference of plausibility up to which two candidates count as equal, and up to which the message
names the second."""
SEEN = 2000
"""Most names that are scored."""

# The most frequent characters, and those of usual class names: animals, colours, shapes, food,
# parts, numbers. Simplified, then traditional.
_HAN = """
的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所
然家种事成方多经么去法学如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长
把机十民第公此已工使情明性知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身
果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活
尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治
展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领
共确传师观清今切院让识候带导争运图片照猫狗犬鸟鱼马牛羊猪鸡鸭兔鼠虎狮象熊猴蛇龙花草树叶木林果苹蕉橙桃梨葡萄瓜菜
红黄蓝绿黑紫灰粉橘圆方角矩菱星块线点车船飞机汽轮桌椅杯碗笔刀屋楼桥路河湖云雨雪雷风晴阴火土石春夏秋冬早晚男女孩
集练训测试验证样本训数据标签类别正常异常缺陷划痕良坏零六七八九百千左右张李王刘陈杨赵吴周徐孙朱胡郭何高林罗郑梁
個們來為國說時會這過發後裡從與長經沒動還進樣開實軍無機關業將兩間問應戰頭體見產東聲員論處義條氣題爾變總電數報結
務場計資統區隊記類據邊張該規萬覺術領確傳師觀讓識導爭運圖貓鳥魚馬豬雞鴨獅龍樹葉蘋紅黃藍綠圓塊線車飛輪橋雲訓練測
試驗證標籤異劃痕壞臺灣學習語畫單雙檔檢檔資料夾電腦螢幕氣候溫濕
玻璃塑料胶纸板钢铁铜铝银材料布皮革棉麻瓷砖砂泥垃圾废品厨余可回收有害肺炎肿瘤癌症骨折皮肤血液细胞病毒菌叶斑锈粉霉枯
鲤鲸鲨鳄龟蛙蝶蜂蚁蝇蚊蜘蛛蝎螃蟹虾贝鹅鹰鹤鸽鹦鹉雀燕孔狼狐狸豹鹿驴骆驼刺猬松鼠兔蝙蝠海豚玫瑰菊莲荷兰郁香百牡丹向日葵
蒲英茄番薯豆葱蒜姜辣椒萝卜芹菠洋莓柠檬芒梅枣栗核面包糕饼糖盐油茶咖啡酒奶鸡蛋肉饭汤自行卡摩托公共汽站银行超市医院
喜怒哀乐悲伤惊讶恐惧厌恶愤笑哭平静财经娱乐体育军事科技教育健康旅游房产历史文化楷隶篆草书裂纹腐蚀氧化凹坑孔洞污渍缺口
早期晚期良恶性沙发床柜灯门窗墙冰箱电视空调手表鞋帽衣裤裙袋箱盒瓶罐轴承齿螺丝栓钉阀泵管焊缝
塑膠紙鋼鐵銅鋁銀廢餘腫骨膚細鱗鯉鯨鯊鱷龜鵝鷹鶴鴿鸚鵡鳳狼驢駱駝蝟薔薇蓮蘭鬱蔥蘿蔔檸檬棗麵餅鹽腳踏憤驚財經娛樂歷裂紋雛
"""
_HANGUL = """
이다는의에가을하고지기도로사은를한그나어자리시아인해서대있스정있것일라들보수과여니까면부전주원장제만소안상구우비조
모동미마성경무공방공신문세생국위진게거치오으와산너말물때네당금화학교연재음식강개양고말토끼호랑사새물꽃나무빨파란노검
흰초록분홍원삼각형사각별빵밥차배비행돼닭오리곰뱀용뻐훈련시험검증데터폴더파진동물과바람눈봄여름가겨울남녀김박최
유선간체발관단용작실중현반적영직결통회업복품질량불량정상개고강아지냥북키드폭포계곡절벽쓰레스츠예연털터블볼펜책롱컵접칼숟젓락
항합격류저농구배수영축야균열부식얼룩손톱찌그긁함스크래치휴폐캔병플틱류철종복혼환투명손발코귀입머몸심장폐뇌
"""
_CYRILLIC = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_VOWELS = "аеёиоуыэюя"
_LATIN = "àáâãäåæçèéêëìíîïñòóôõöøœùúûüýÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜÝ"


@dataclass(frozen=True)
class DecodedNames:
    """Decoded names in the order given, and their encoding; "" where all are ASCII or none fits.

    `example` is the name with the most bytes outside ASCII. `rival` is another encoding that is
    nearly as plausible; `rival_example` is the example read in it.
    """

    names: list[str]
    encoding: str = ""
    example: str = ""
    rival: str = ""
    rival_example: str = ""

    def message(self, archive: str) -> Message:
        """Returns the sentence that states how the names of an archive were read."""
        if not self.encoding:
            return EMPTY
        values = {
            "archive": printable(archive),
            "encoding": self.encoding,
            "example": printable(self.example),
        }
        if not self.rival:
            return Message(
                "{archive}: file names without a stated encoding are read as {encoding}, "
                "such as {example!r}.",
                **values,
            )
        return Message(
            "{archive}: file names without a stated encoding are read as {encoding}, such as "
            "{example!r}. {rival} is nearly as plausible ({rival_example!r}); of equal ones, the "
            "first of GB18030, Shift-JIS, Big5, EUC-KR and others is taken. Pack the files with "
            "UTF-8 names to be certain.",
            **values,
            rival=self.rival,
            rival_example=printable(self.rival_example),
        )


def decoded(raw: Sequence[bytes], candidates: dict[str, str], fallback: str) -> DecodedNames:
    """Decodes the names of an archive, in one encoding for all of them.

    `candidates` maps codecs to the names that users know. `fallback` is the codec where no
    candidate is plausible; bytes that it does not know become surrogates.
    """
    strange = [name for name in raw if not name.isascii()]
    if not strange:
        return DecodedNames([name.decode("ascii") for name in raw])
    example = max(strange, key=lambda name: sum(byte > 127 for byte in name))
    if _valid(strange, "utf-8") and not _by_chance(strange):
        return DecodedNames([name.decode() for name in raw], "UTF-8", example.decode())
    scores = {
        codec: plausibility(strange[:SEEN], codec) for codec in candidates if _valid(strange, codec)
    }
    best = max(scores.values(), default=0.0)
    if best < LEAST:
        return DecodedNames([name.decode(fallback, "surrogateescape") for name in raw])
    chosen = next(codec for codec in scores if scores[codec] >= best - EQUAL)
    shown = example.decode(chosen)
    near = [codec for codec in scores if scores[codec] >= best - NEAR]
    rival = next((codec for codec in near if example.decode(codec) != shown), "")
    return DecodedNames(
        [name.decode(chosen) for name in raw],
        candidates[chosen],
        shown,
        candidates[rival] if rival else "",
        example.decode(rival) if rival else "",
    )


def _valid(names: Sequence[bytes], codec: str) -> bool:
    try:
        for name in names:
            name.decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _by_chance(names: Sequence[bytes]) -> bool:
    """Returns True where names are valid UTF-8, but hardly meant as that.

    Two bytes of another encoding may be one character of UTF-8 below U+0800: a name then mixes
    scripts within a word, or holds characters that do not exist.
    """
    text = " ".join(name.decode() for name in names[:SEEN])
    if any(unicodedata.category(sign) in ("Cn", "Cc", "Co") for sign in set(text)):
        return True
    if any(sign >= "\u0800" for sign in text):
        return False
    words = [{sign for sign in word if not sign.isascii()} for word in _WORD.findall(text)]
    scripts = [{unicodedata.name(sign, "?").split()[0] for sign in word} for word in words]
    return any(len(word - {"COMBINING"}) > 1 for word in scripts)


def plausibility(names: Sequence[bytes], codec: str) -> float:
    """Returns how plausible the names are as texts of the codec, from 0 to 1.

    The mean of the weights of all characters that are not ASCII, by their number of bytes: 1 for a
    frequent character of the language, about 0.5 for one of the first level of its character set,
    less for a rare one, 0 for one that no name holds. In a code page of one alphabet, whole words
    have a weight: letters of one alphabet, in usual capitals.
    """
    total, weight = 0, 0.0
    for name in names:
        for word in _WORD.findall(name.decode(codec)):
            of_word = None if codec in _ASIAN else _word_weight(word, codec)
            for sign in word:
                if not sign.isascii():
                    size = len(sign.encode(codec))
                    total += size
                    weight += size * (_asian_weight(sign, codec) if of_word is None else of_word)
    return weight / total if total else 0.0


_WORD = re.compile(r"[^\x00-@\[-`{-\x7f]+")
"""Letters, and all characters that are not ASCII."""


def _word_weight(word: str, codec: str) -> float:
    """Weight of the characters of a word in a code page of one alphabet, Cyrillic or Latin."""
    strange = [sign for sign in word if not sign.isascii()]
    if not (word.islower() or word.istitle() or word.isupper()):
        return 0.0
    if codec in ("cp866", "cp1251"):
        usual = len(strange) == len(word) and all(sign in _CYRILLIC for sign in word.lower())
        usual = usual and any(sign in _VOWELS for sign in word.lower())
    else:
        usual = len(strange) < len(word) and all(sign in _LATIN for sign in strange)
        usual = usual and 3 * len(strange) <= 2 * len(word)
    return 0.0 if not usual else 0.8 if len(word) > 2 and not word.isupper() else 0.3


@cache
def _asian_weight(sign: str, codec: str) -> float:
    """Weight of a character of an Asian encoding; its bytes give its level in the character set."""
    code = sign.encode(codec)
    if codec == "cp949" and "가" <= sign <= "힣":
        return 1.0 if sign in _HANGUL else _hangul_weight(sign, code)
    if codec == "cp932" and ("ぁ" <= sign <= "ゖ" or "ァ" <= sign <= "ー"):
        return 1.0
    if sign in "，。、；：？！（）《》「」『』【】～·　・" or "０" <= sign <= "ｚ":
        return 0.5
    if not "一" <= sign <= "龥":
        return 0.05 if len(code) > 1 and sign.isalpha() else 0.0
    if codec == "cp949":
        return 0.1  # Korean names are rarely written in Chinese characters
    if sign in _HAN:
        return 1.0
    return 0.5 if _first_level(code, codec) else 0.15


def _hangul_weight(sign: str, code: bytes) -> float:
    """Weight of a syllable: more where it has no double consonant, rare vowel or pair at its end.

    A syllable of Unicode is 588 * initial + 28 * vowel + final, counted from U+AC00.
    """
    initial, rest = divmod(ord(sign) - 0xAC00, 588)
    vowel, final = divmod(rest, 28)
    simple = initial not in (1, 4, 8, 10, 13) and vowel not in (3, 7, 10, 15, 19)
    if simple and final in (0, 1, 4, 8, 16, 17, 19, 21):
        return 0.55
    return 0.4 if 0xB0 <= code[0] <= 0xC8 and code[1] >= 0xA1 else 0.2


def _first_level(code: bytes, codec: str) -> bool:
    if codec == "gb18030":
        return len(code) == 2 and 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1
    if codec == "cp932":
        return 0x88 <= code[0] <= 0x98
    return len(code) == 2 and 0xA4 <= code[0] <= 0xC6
