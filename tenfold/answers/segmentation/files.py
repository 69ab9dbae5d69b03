"""File formats of predicted masks."""

from __future__ import annotations

from tenfold.answers.files import TABLES, Format
from tenfold.answers.segmentation import object_table, picture_files, shape_files

__all__ = ["FORMATS"]

FORMATS = {
    **TABLES,
    ".csv": Format(object_table.object_table, object_table.wrote_table),
    ".json": Format(shape_files.coco, shape_files.wrote_coco),
    ".geojson": Format(shape_files.geojson, shape_files.wrote_geojson),
    ".geojson.zip": Format(picture_files.outline_archive, picture_files.wrote_outline_archive),
    ".zip": Format(picture_files.archive, picture_files.wrote_archive),
    ".tif": Format(picture_files.labels, picture_files.wrote_labels),
}
"""Formats of `predict --out FILE` by file suffix."""
