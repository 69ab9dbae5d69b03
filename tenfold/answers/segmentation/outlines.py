"""Outlines of masks along the edges of their pixels, as polygons with holes.

Filling the polygons again gives exactly the same pixels. Regions that touch at a corner alone are
apart; no ring meets itself, so that every polygon is valid for OGC simple features and GeoJSON.

Shapes: H x W pixels, E edges between a pixel inside and one outside.
"""

from __future__ import annotations

import numpy as np

__all__ = ["Polygon", "polygons"]

Ring = np.ndarray
"""The corners (n, 2) of a ring as x, y in pixels; the first is not repeated."""
Polygon = list[Ring]
"""A polygon: its outer ring, then its holes."""


def polygons(inside: np.ndarray) -> list[Polygon]:
    """Returns the polygons of a mask (H, W) that is True inside, in pixels of the mask.

    A corner at (x, y) lies between the pixels x - 1 and x: a mask of one pixel at row 0 and column
    0 is the square from (0, 0) to (1, 1).
    """
    rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
    if not len(rows):
        return []
    top, left = rows[0], columns[0]
    part = np.pad(inside[top : rows[-1] + 1, left : columns[-1] + 1], 1)
    rings = [ring - 1 + [left, top] for ring in _rings(part)]
    areas = np.array([_area(ring) for ring in rings])
    outer = [number for number in range(len(rings)) if areas[number] > 0]
    found: dict[int, Polygon] = {number: [rings[number]] for number in outer}
    holes = [rings[number] for number in range(len(rings)) if areas[number] < 0]
    for hole, number in zip(holes, _around(holes, [rings[one] for one in outer]), strict=True):
        found[outer[number]].append(hole)
    return list(found.values())


def _rings(inside: np.ndarray) -> list[Ring]:
    """Returns the rings of a padded mask: outer ones with positive area, holes with negative."""
    start, end = _edges(inside)
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    first = np.searchsorted(start, end)
    double = np.append(start[1:] == start[:-1], False)
    follow = first + (double[first] & _turns_left(start, end, first))
    wide = inside.shape[1] + 1
    shared = {*start[double].tolist()}
    return [_corners(ring, wide) for ring in _loops(start.tolist(), follow.tolist(), shared)]


def _edges(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ends (E,) of all edges as places on the grid of corners.

    Each edge leads around its inner pixel: right along its top, down its right side, left along its
    bottom, up its left side.
    """
    wide = inside.shape[1] + 1
    corner = np.arange((inside.shape[0] + 1) * wide).reshape(-1, wide)
    sides = (
        (~inside[:-1] & inside[1:], corner[1:-1, :-1], corner[1:-1, 1:]),
        (inside[:, :-1] & ~inside[:, 1:], corner[:-1, 1:-1], corner[1:, 1:-1]),
        (inside[:-1] & ~inside[1:], corner[1:-1, 1:], corner[1:-1, :-1]),
        (~inside[:, :-1] & inside[:, 1:], corner[1:, 1:-1], corner[:-1, 1:-1]),
    )
    start = np.concatenate([one[marked] for marked, one, _ in sides])
    end = np.concatenate([one[marked] for marked, _, one in sides])
    return start, end


def _turns_left(start: np.ndarray, end: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Returns True (E,) if the first edge at the end of an edge is not the one around its pixel.

    With x to the right and y down, an edge leads on around its own pixel by turning right: from
    right to down, to left, to up. A step of (dx, dy) = dx + wide dy turns to (-dy, dx).
    """
    step, after = end - start, end[first] - start[first]
    wide = int(np.abs(step).max())
    dx, dy = np.where(np.abs(step) == 1, step, 0), np.where(np.abs(step) == 1, 0, step // wide)
    return np.asarray(after != -dy + wide * dx)


def _loops(start: list[int], follow: list[int], shared: set[int]) -> list[list[int]]:
    """Returns the corners of each loop of edges; a loop that meets itself is cut there."""
    found, seen = [], [False] * len(start)
    for begin in range(len(start)):
        loop: list[int] = []
        met: dict[int, int] = {}
        edge = begin
        while not seen[edge]:
            seen[edge] = True
            corner = start[edge]
            if corner in shared:
                if corner in met:
                    found.append(loop[met[corner] :])
                    del loop[met[corner] :]
                met[corner] = len(loop)
            loop.append(corner)
            edge = follow[edge]
        if loop:
            found.append(loop)
    return found


def _corners(loop: list[int], wide: int) -> Ring:
    """Returns the corners of a loop at which it turns."""
    y, x = np.divmod(np.array(loop, np.int64), wide)
    points = np.stack([x, y], 1)
    before, after = points - np.roll(points, 1, 0), np.roll(points, -1, 0) - points
    return points[(before != after).any(1)]


def _area(ring: Ring) -> float:
    """Returns the signed area of a ring; positive for one that leads around its inside."""
    x, y = ring.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2


def _around(holes: list[Ring], outer: list[Ring]) -> list[int]:
    """Returns the outer ring around each hole: the smallest with an odd number of crossings."""
    if not holes:
        return []
    x = np.concatenate([ring[:, 0] for ring in outer])
    y = np.concatenate([ring[:, 1] for ring in outer])
    after = np.concatenate([np.roll(ring[:, 1], -1) for ring in outer])
    owner = np.repeat(np.arange(len(outer)), [len(ring) for ring in outer])
    areas = np.array([_area(ring) for ring in outer])
    low, high = np.minimum(y, after), np.maximum(y, after)
    found = []
    for hole in holes:
        top = hole[np.lexsort((hole[:, 0], hole[:, 1]))[0]]
        row, column = top[1] - 0.5, top[0] + 0.5  # the pixel above the hole, inside its polygon
        crossed = (low < row) & (high > row) & (x < column)
        odd = np.bincount(owner[crossed], minlength=len(outer)) % 2 == 1
        found.append(int(np.where(odd, areas, np.inf).argmin()))
    return found
