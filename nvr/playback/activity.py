"""Where something moved: differences of keyframes, by blocks. Pure.

A picture is compared with what the blocks of its neighbours show in the middle (a median of 25 keyframes): what stands
there is background, however bright the day gets. Works whatever a camera does with its bit rate, since nothing is
concluded from sizes of frames. Invariant: it says where pictures differ and never what is seen; what passed between two
keyframes is not in it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["AROUND", "LEAST_SHARE", "Grid", "Region", "blocks_of", "changed", "shares"]

Blocks = npt.NDArray[np.uint8]
"""Mean brightness of each block of a picture."""
Grid = npt.NDArray[np.bool_]
"""Of each picture and block, whether it differs: (pictures, rows, columns)."""

WIDTH: Final = 320
"""Pixels; pictures are compared at this width."""
BLOCK: Final = 8
AROUND: Final = 12
"""So many keyframes before and after one are its background."""
LEAST_SHARE: Final = 0.004
"""Of the blocks that must differ before anything is said to move."""
# A block differs by so much at least, and by so many times what it does anyhow (its median distance from the middle).
_LEAST: Final = 6.0
_TIMES: Final = 5.0
_MORE: Final = 3.0
_AT_ONCE: Final = 64


class Region(NamedTuple):
    """A rectangle of the picture, in shares of its width and height."""

    left: float
    top: float
    right: float
    bottom: float


def blocks_of(luma: npt.NDArray[np.uint8]) -> Blocks:
    """The means of a picture of brightness whose sides are multiples of ``BLOCK``."""
    high, wide = luma.shape[0] // BLOCK, luma.shape[1] // BLOCK
    cut = luma[: high * BLOCK, : wide * BLOCK].reshape(high, BLOCK, wide, BLOCK)
    means: Blocks = cut.mean(axis=(1, 3)).astype(np.uint8)
    return means


def changed(pictures: Blocks) -> Grid:
    """Of each of these pictures (pictures, rows, columns), in order, the blocks that differ from their background."""
    count = len(pictures)
    found = np.zeros(pictures.shape, bool)
    if count < 3:
        # Nothing says which of two is the background.
        return found
    flat = pictures.reshape(count, -1)
    side = min(AROUND, (count - 1) // 2)
    window = 2 * side + 1
    around = np.lib.stride_tricks.sliding_window_view(flat, window, axis=0)
    # At the ends the first and the last whole neighbourhood.
    places = np.clip(np.arange(count) - side, 0, len(around) - 1)
    for first in range(0, count, _AT_ONCE):
        near = around[places[first : first + _AT_ONCE]]
        middle = np.partition(near, side, axis=-1)[..., side].astype(np.int16)
        off = np.abs(near.astype(np.int16) - middle[..., None]).astype(np.uint8)
        spread = np.partition(off, side, axis=-1)[..., side]
        differs = np.abs(flat[first : first + _AT_ONCE].astype(np.int16) - middle)
        found.reshape(count, -1)[first : first + _AT_ONCE] = differs > np.maximum(_LEAST, _TIMES * spread + _MORE)
    return found


def shares(grid: Grid, region: Region | None = None) -> npt.NDArray[np.float64]:
    """Of each picture the share of blocks that differ, of the whole picture or of a region; 0 below ``LEAST_SHARE``
    of the blocks looked at, and below two of them."""
    if region is not None:
        high, wide = grid.shape[1:]
        top, left = int(region.top * high), int(region.left * wide)
        bottom, right = max(round(region.bottom * high), top + 1), max(round(region.right * wide), left + 1)
        grid = grid[:, top:bottom, left:right]
    counts = grid.sum(axis=(1, 2))
    size = max(grid.shape[1] * grid.shape[2], 1)
    return np.where((counts >= 2) & (counts > LEAST_SHARE * size), counts / size, 0.0)
