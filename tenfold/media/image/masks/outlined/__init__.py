"""Outlines and runs as masks: COCO, LabelMe, GeoJSON, filling."""
