"""Layouts of labelled files: levels of folders, lists, tables of names, files inside tables."""
