"""Latin words that are left on a Chinese page."""

import html
import re

# Names, flags, file names, units and abbreviations that Chinese pages have as well.
AS_IT_IS = set(
    """
    tenfold torch python image classification red blue png json jsonl quarantine scores html
    tiny epochs size on bad skip out limit augment shift none flip auto cpu cuda float bfloat
    ECE ROC AUC FLOPs CAM Grad MB KB GB ms min UTC Linux Darwin Windows AMD Intel EPYC Xeon CPU
    run photos DATA minutes batch foreground mask mixture network chmod PNG JPEG HTML XML SVG
    HEIC AVIF
    PDF uint
    """.split()
)


COMMAND = re.compile(r"`tenfold [^`]*`|tenfold [^`\n]*")
SENTENCE = re.compile(r"[A-Za-z]{2,}(?: [a-z]{2,}){2,}")


def english_sentences(text: str) -> list[str]:
    """Three or more English words in a row, apart from commands."""
    return SENTENCE.findall(COMMAND.sub("", text))


def latin_words(page: str) -> set[str]:
    """Latin words that a reader sees, but for machines' own: layers, commands, the environment."""
    body = page[page.index("<body>") :]
    for machine in (
        r"<pre>.*?</pre>",
        r'<section id="network">.*?</section>',
        r"(?s)<h3>环境</h3>.*?</table>",
        r"(?s)<h3>训练环境</h3>.*?</table>",
        r"<bdi[^>]*>.*?</bdi>",
    ):
        body = re.sub(machine, " ", body, flags=re.S)
    text = html.unescape(re.sub(r"<[^>]*>", " ", body))
    text = re.sub(r"[0-9a-f]{16}|--[\w-]+", " ", text)
    return {word for word in re.findall(r"[A-Za-z]{2,}", text) if word not in AS_IT_IS}
