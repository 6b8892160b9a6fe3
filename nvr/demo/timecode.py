"""A number drawn into a picture so that a program can read it back from a decoded frame.

Two rows of 32 black and white blocks of 8 x 8 pixels in the bottom left corner: 4 sync bits (1010), 44 bits of value
(Unix milliseconds fit until the year 2527, and so does any frame number), 16 bits of CRC. Most significant bit first.
Blocks of a transform's size and only two levels survive any encoder that leaves a picture recognisable.
"""

import binascii
from typing import Any

import numpy as np
import numpy.typing as npt

BLOCK_PX = 8
COLUMNS = 32
ROWS = 2
WIDTH_PX = COLUMNS * BLOCK_PX
HEIGHT_PX = ROWS * BLOCK_PX
VALUE_BITS = 44

_SYNC = 0b1010
_BITS = COLUMNS * ROWS
_PAYLOAD_BYTES = 6  # sync and value: 48 bits
# What a block must clear to count as black or white. Limited-range video has 16 and 235.
_BLACK_BELOW = 96
_WHITE_ABOVE = 160


def strip(value: int) -> npt.NDArray[np.uint8]:
    """The strip as gray levels (0 and 255), `HEIGHT_PX` x `WIDTH_PX`. Raises ValueError for a value that doesn't
    fit."""
    if not 0 <= value < 1 << VALUE_BITS:
        raise ValueError(f"{value} does not fit in {VALUE_BITS} bits")
    payload = (_SYNC << VALUE_BITS | value).to_bytes(_PAYLOAD_BYTES)
    code = payload + binascii.crc_hqx(payload, 0xFFFF).to_bytes(2)
    bits = np.unpackbits(np.frombuffer(code, np.uint8)).reshape(ROWS, COLUMNS)
    return np.kron(bits, np.full((BLOCK_PX, BLOCK_PX), 255, np.uint8)).astype(np.uint8)


def burn(picture: npt.NDArray[np.uint8], value: int) -> None:
    """Draw the strip into a picture, in place: gray (height, width) or colour (height, width, channels).

    Raises:
        ValueError: the picture is too small for it.
    """
    height, width = picture.shape[:2]
    if width < WIDTH_PX or height < HEIGHT_PX:
        raise ValueError(f"a picture of {width}x{height} has no room for a strip of {WIDTH_PX}x{HEIGHT_PX}")
    corner = picture[height - HEIGHT_PX :, :WIDTH_PX]
    drawn = strip(value)
    corner[...] = drawn if picture.ndim == 2 else drawn[:, :, np.newaxis]


def read(gray: npt.NDArray[Any]) -> int | None:
    """The number in a decoded frame (height, width), gray levels 0–255; None when there is none that can be trusted."""
    height, width = gray.shape
    if width < WIDTH_PX or height < HEIGHT_PX:
        return None
    corner = gray[height - HEIGHT_PX :, :WIDTH_PX].astype(np.float32)
    blocks = corner.reshape(ROWS, BLOCK_PX, COLUMNS, BLOCK_PX)
    # The middle of each block: its edges take what ringing there is.
    levels = blocks[:, 2:-2, :, 2:-2].mean(axis=(1, 3)).reshape(_BITS)
    if np.any((levels >= _BLACK_BELOW) & (levels <= _WHITE_ABOVE)):
        return None
    code = np.packbits(levels > _WHITE_ABOVE).tobytes()
    payload, check = code[:_PAYLOAD_BYTES], code[_PAYLOAD_BYTES:]
    number = int.from_bytes(payload)
    if number >> VALUE_BITS != _SYNC or binascii.crc_hqx(payload, 0xFFFF) != int.from_bytes(check):
        return None
    return number & (1 << VALUE_BITS) - 1
