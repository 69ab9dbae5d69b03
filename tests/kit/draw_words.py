"""Draws docstrings and messages at random, for a reader who did not write them to explain.

PYTHONPATH=. python tests/kit/draw_words.py [--seed 0] [--count 20]
"""

import argparse
import ast
import random
from collections.abc import Iterator

from sentences import PACKAGE, sentences


def docstrings() -> Iterator[str]:
    """Every docstring with the place and the signature that it stands under."""
    for path in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (
                text := ast.get_docstring(node)
            ):
                name = getattr(node, "name", "module")
                arguments = ast.unparse(node.args) if isinstance(node, ast.FunctionDef) else ""
                yield f"{path.relative_to(PACKAGE)} {name}({arguments})\n    {text}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    request = parser.parse_args()
    draw = random.Random(request.seed)
    for title, texts in (("docstrings", docstrings()), ("messages", sentences())):
        print(f"== {title}\n")
        for number, text in enumerate(draw.sample(sorted(texts), request.count), 1):
            print(f"{number}. {text}\n")
