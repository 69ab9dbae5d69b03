"""Recipes that several tasks share: how the candidates for one kind of data are fitted and scored.

A recipe combines networks, training and answer kinds. Tasks call it; it depends on no task.
"""
