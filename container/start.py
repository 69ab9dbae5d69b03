"""Starts `tenfold serve` in the container: TENFOLD_PORT=9000 becomes --port=9000, and so on.

Models and further flags are the arguments. Each value goes to the server as one word, whatever it
holds: no shell sees it. TENFOLD_TOKEN is read by the server itself and stands on no command line.
"""

import os
import sys

FLAGS = "host port batch queue timeout max_mb allow_host allow_origin device".split()
SWITCHES = ["known_people"]  # on with any value

if __name__ == "__main__":
    told = {flag: os.environ.get(f"TENFOLD_{flag.upper()}", "") for flag in FLAGS}
    words = [f"--{flag.replace('_', '-')}={value}" for flag, value in told.items() if value]
    words += [
        f"--{one.replace('_', '-')}" for one in SWITCHES if os.environ.get(f"TENFOLD_{one.upper()}")
    ]
    os.execvp("tenfold", ["tenfold", "serve", *words, *sys.argv[1:]])
