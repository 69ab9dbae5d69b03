"""The classic three-stage network on the first 1,000 MNIST pictures, by the Python API.

3x3 convolutions of 32, 64 and 128 maps with 2x2 pools, dense 512, softmax over 10; Adam; 10
epochs; batch 16; judged on test pictures it was not validated on. Give MNIST's folder, and a seed:
    python examples/seed_listing.py tenfold-demo/mnist 0
The same as one command:
    tenfold train image-classification tenfold-demo/mnist --network listing --optimizer adamw
        --learning-rate 0.001 --augment none --limit 1000 --epochs 10 --batch 16

The printed listing this comes from cannot run. Put right here: the import it mistypes; the data,
unpacked as (train, test) where the loader gives ((pictures, labels), (pictures, labels)); labels
cut to the same 1,000 as the pictures; the channel axis that convolutions need; one layer given two
kernel sizes; a categorical loss on labels that are integers; and validation on the very pictures
that the score was then quoted on.
"""

import json
import sys

import tenfold

if __name__ == "__main__":
    folder, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0
    settings = {"network": "listing", "optimizer": "adamw", "augment": "none"}
    run = tenfold.train(
        "image-classification",
        folder,
        limit=1000,
        epochs=10,
        batch=16,
        learning_rate=0.001,
        seed=seed,
        **settings,
    )
    accuracy = run.scores["scores"]["accuracy"]["value"]
    print(json.dumps({"accuracy": accuracy, "fit_seconds": run.scores["seconds"]["train"]}))
