"""fastText on labelled lines: seconds of training and testing, accuracy. JSON on the last line.

Settings of its own tutorial for short texts: rate 1.0, 25 passes, pairs of words, two threads.
    python fasttext_texts.py train.txt test.txt
"""

import json
import sys
import time

import fasttext


def main() -> None:
    train, test = sys.argv[1:3]
    began = time.perf_counter()
    model = fasttext.train_supervised(
        train, lr=1.0, epoch=25, wordNgrams=2, bucket=200_000, dim=50, thread=2, verbose=0
    )
    rows, accuracy, _ = model.test(test)
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "accuracy": accuracy, "rows": rows}))


if __name__ == "__main__":
    main()
