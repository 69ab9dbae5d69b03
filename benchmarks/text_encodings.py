"""Texts of many languages in the encodings that can hold them: read right, asked back, or wrong.

    python benchmarks/text_encodings.py [--draws 2000] [--seed 0]

Each draw takes a language, an encoding, and 1 to 200 lines of random words of that language (from
the lists below, and from multi30k, thucnews_titles and waimai_10k where TENFOLD_DATA has them),
some with a second column of English words. The peer is chardet alone, which never asks.
"""

from __future__ import annotations

import argparse
import codecs
import collections
import gzip
import json
import os
import random
import time
from pathlib import Path

import chardet

from tenfold.core.errors import TenfoldError
from tenfold.media.files.encoding.byte_samples import sample_of
from tenfold.media.files.encoding.encodings import decided

HERE = Path(__file__).resolve().parent
ENCODINGS = {
    "fr": "cp1252 iso8859-15 utf-8",
    "de": "cp1252 utf-8 utf-16",
    "es": "cp1252",
    "pt": "cp1252",
    "sv": "cp1252",
    "da": "cp1252",
    "pl": "cp1250 iso8859-2",
    "cs": "cp1250 iso8859-2",
    "hu": "cp1250 iso8859-2",
    "ru": "cp1251 koi8-r iso8859-5 cp866 utf-8 utf-16-le",
    "uk": "cp1251 koi8-u",
    "bg": "cp1251",
    "el": "cp1253 iso8859-7",
    "tr": "cp1254",
    "he": "cp1255",
    "ar": "cp1256",
    "ja": "cp932 euc-jp utf-8",
    "ko": "cp949",
    "zh": "gb18030 gbk utf-8 utf-16-be",
    "tw": "cp950",
}
"""Languages, and encodings that hold all their words."""
WORDS = {
    "fr": "très déjà où ça été café élève hôtel forêt français être même après goût près leçon "
    "garçon fenêtre événement problème le la les dans pour avec nous manger soleil maison",
    "de": "größe über für schön müde straße höflich früh bäume können würde äpfel öl übung grün "
    "heiß der die das und nicht haben ein wir sehr gut haus wasser morgen stadt",
    "es": "año niño mañana corazón también más está después allí español canción inglés árbol "
    "película página el la los con para pero tiempo casa comer siempre nunca",
    "pt": "não são ção informação coração mãe também você três avó irmã pão manhã até português "
    "água o a os com para mas tempo casa comer sempre nunca",
    "sv": "är på från också så människa år många två själv åker köpa röd kött även och att det "
    "som en inte med har hus vatten dag",
    "da": "på også år være mænd både sådan første måske børn gøre kød æble øl så og at det som "
    "en ikke med har hus vand dag",
    "pl": "się jest więc można także źle żółty święto łódź miły pięć dziękuję proszę książka mąż "
    "dzień noc dom woda miasto nie tak ale kiedy",
    "cs": "že není děkuji prosím kůň žena můj příliš žluťoučký kdyby člověk město šest dítě "
    "můžete voda dům noc den ale tak nebo když řeka",
    "hu": "és nem hogy köszönöm szép idő ház víz könyv gyűrű hűtő tűz fő nő őket között után város "
    "gyönyörű a az egy van volt ember nap",
    "ru": "привет сегодня хорошо очень вода дом город человек время Москва день ночь книга "
    "работа жизнь большой новый быстро плохо ресторан суп вкусно и в не на что",
    "uk": "привіт сьогодні добре дуже вода дім місто людина час Київ день ніч книга робота життя "
    "великий новий швидко їжа є що не на та від",
    "bg": "здравей днес добре много вода къща град човек време София ден нощ книга работа живот "
    "голям нов бързо лошо ресторант супа и в не на че",
    "el": "καλημέρα σήμερα καλά πολύ νερό σπίτι πόλη άνθρωπος χρόνος Αθήνα μέρα νύχτα βιβλίο "
    "δουλειά ζωή μεγάλος νέος γρήγορα και το να δεν είναι με για",
    "tr": "günaydın bugün iyi çok su ev şehir insan zaman İstanbul gün gece kitap iş hayat büyük "
    "yeni hızlı değil için ağaç kış yağmur ve bir bu ile",
    "he": "שלום היום טוב מאוד מים בית עיר אדם זמן ירושלים יום לילה ספר עבודה חיים גדול חדש מהר "
    "לא של את על עם הוא היא",
    "ar": "مرحبا اليوم جيد جدا ماء بيت مدينة إنسان وقت القاهرة يوم ليل كتاب عمل حياة كبير جديد "
    "بسرعة لا من في على إلى هذا هذه",
    "ja": "今日は天気がとても良いです。 この店のラーメンは美味しかった。 "
    "サービスが遅くて残念でした。 また行きたいと思います。 "
    "値段は高いが味は普通。 店員さんが親切でした。 駅から近くて便利です。 部屋が狭くて暗い。",
    "ko": "오늘은 날씨가 아주 좋습니다 이 식당의 음식은 맛있었어요 서비스가 느려서 "
    "실망했습니다 다시 가고 싶어요 "
    "가격이 비싸지만 직원이 친절했습니다 방이 좁고 어두워요",
    "zh": "今天天气很好 这家店的面很好吃 服务太慢了很失望 "
    "下次还会再来 价格贵但是味道一般 店员非常热情 离地铁站很近 房间又小又暗",
    "tw": "今天天氣很好 這家店的麵很好吃 服務太慢了很失望 "
    "下次還會再來 價格貴但是味道普通 店員非常熱情 離捷運站很近 房間又小又暗",
}
ENGLISH = "good bad price review name label text 1 2 3 2024 food service room user item".split()
DATA = {
    "fr": "multi30k/train.fr.gz",
    "de": "multi30k/train.de.gz",
    "zh": "thucnews_titles/dev.txt.gz waimai_10k/waimai_10k.csv.gz",
}


def words_of(language: str) -> list[str]:
    """The words of a language; lines of the public data sets for some."""
    found = WORDS[language].split()
    folder = Path(os.environ.get("TENFOLD_DATA", HERE.parent.parent / "shared" / "data"))
    for name in DATA.get(language, "").split():
        if (folder / name).exists():
            with gzip.open(folder / name, "rt", encoding="utf-8") as file:
                lines = file.read().splitlines()[1:3000]
            found += [line for line in lines if line.strip()]
    return found


def drawn(words: list[str], rng: random.Random) -> str:
    """A text of 1 to 200 lines."""
    count = rng.choice([1, 2, 3, 5, 10, 20, 50, 100, 200])
    columns = rng.choice([True, False])
    lines = []
    for _ in range(count):
        line = " ".join(rng.choices(words, k=rng.randint(1, 8)))
        lines.append(f"{line},{rng.choice(ENGLISH)}" if columns else line)
    return rng.choice(["\n", "\r\n"]).join(lines) + rng.choice(["", "\n"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = random.Random(given.seed)
    words = {language: words_of(language) for language in ENCODINGS}
    counts: collections.Counter[str] = collections.Counter()
    asked: collections.Counter[int] = collections.Counter()
    wrong, spent = [], 0.0
    while sum(counts[one] for one in ("right", "asked", "wrong")) < given.draws:
        language = rng.choice(list(ENCODINGS))
        encoding = rng.choice(ENCODINGS[language].split())
        data = drawn(words[language], rng).encode(encoding, "ignore")
        text = data.decode(encoding)
        start = time.perf_counter()
        try:
            name = decided(sample_of([data])).name
            right = data.decode(name, "replace") == text
            counts["right" if right else "wrong"] += 1
            wrong += [] if right else [(language, encoding, name, text[:60])]
        except TenfoldError:
            counts["asked"] += 1
            asked[text.count("\n") + 1] += 1
        spent += time.perf_counter() - start
        peer = chardet.detect(data)["encoding"] or "cp1252"
        fits = text in (
            data.decode(peer, "replace"),
            data.decode(codecs.lookup(peer).name, "replace"),
        )
        counts["chardet alone: wrong"] += not fits
    few = sum(number for lines, number in asked.items() if lines <= 5)
    print(
        json.dumps(
            {
                "draws": given.draws,
                **counts,
                "asked, at most 5 lines": few,
                "milliseconds each": round(1000 * spent / given.draws, 1),
                "wrong ones": wrong[:20],
            },
            ensure_ascii=False,
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
