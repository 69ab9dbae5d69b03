"""Recipes that several tasks share: how the candidates of one kind of data are fitted and judged.

A recipe joins networks, training and answers, and is called by tasks; it names no task.
"""
