"""Ask a tenfold server what a picture shows, with nothing but Python.

    python examples/client.py http://127.0.0.1:8000/v1/models/shapes photos/circle/000.png

A server with a token wants it in TENFOLD_TOKEN.
"""

import base64
import json
import os
import sys
import urllib.request

model, file = sys.argv[1:]
with open(file, "rb") as picture:
    inputs = {"image": base64.b64encode(picture.read()).decode()}
head = {"Content-Type": "application/json"}
head["Authorization"] = f"Bearer {os.environ.get('TENFOLD_TOKEN', '')}"
body = json.dumps({"inputs": inputs}).encode()
request = urllib.request.Request(f"{model}/predict", body, head)
with urllib.request.urlopen(request, timeout=30) as answer:
    for prediction in json.load(answer)["predictions"]:
        print(prediction["label"], prediction["probabilities"])
