"""Formats of tagged tokens: columns, tables, JSON, exports of annotation tools."""
