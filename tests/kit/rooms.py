"""The folder of shared helpers, the rooms of the package, and which may import which."""

from pathlib import Path

KIT = Path(__file__).resolve().parent

# A room imports only from lines below its own. Rooms on one line do not know each other.
ROOMS = """
    __main__
    cli
    verbs
    workflows
    reporting serving
    run
    data tasks
    task
    recipes
    answers
    media training networks
    core
"""
HEIGHT = {name: -row for row, line in enumerate(ROOMS.split("\n")) for name in line.split()}
