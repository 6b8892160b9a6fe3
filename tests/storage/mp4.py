"""Tiny fragmented MP4 built by hand: a valid init with one H.264 track, and fragments of stated samples."""

from __future__ import annotations

import struct
from functools import cache

from storage.catalogue.segments import Init
from storage.format.boxes import Fragment, Hole, Track, hole_box, parse_init, parse_moof

TIMESCALE = 1_000
FRAME_TICKS = 100
FRAMES_A_FRAGMENT = 5
FRAGMENT_US = FRAME_TICKS * FRAMES_A_FRAGMENT * 1_000


def box(kind: bytes, *payload: bytes) -> bytes:
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


_MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def trak(track_id: int, *, handler: bytes = b"vide", timescale: int = TIMESCALE) -> bytes:
    avcc = box(b"avcC", bytes.fromhex("0164000affe1000467640000010003686eee"))
    visual = struct.pack(">6xH16xHHIII H32sHh", 1, 64, 48, 0x480000, 0x480000, 0, 1, b"", 24, -1)
    sound = struct.pack(">6xH8xHHI I", 1, 1, 16, 0, 16000 << 16)
    entry = box(b"avc1", visual, avcc) if handler == b"vide" else box(b"mp4a", sound)
    tables = [full_box(kind, 0, 0, struct.pack(">I", 0)) for kind in (b"stts", b"stsc", b"stco")]
    stbl = box(
        b"stbl", full_box(b"stsd", 0, 0, struct.pack(">I", 1), entry), *tables, full_box(b"stsz", 0, 0, bytes(8))
    )
    dinf = box(b"dinf", full_box(b"dref", 0, 0, struct.pack(">I", 1), full_box(b"url ", 0, 1)))
    head = full_box(b"vmhd", 0, 1, bytes(8)) if handler == b"vide" else full_box(b"smhd", 0, 0, bytes(4))
    tkhd = (
        struct.pack(">IIIII8xhhHH", 0, 0, track_id, 0, 0, 0, 0, 0, 0) + _MATRIX + struct.pack(">II", 64 << 16, 48 << 16)
    )
    return box(
        b"trak",
        full_box(b"tkhd", 0, 3, tkhd),
        box(
            b"mdia",
            full_box(b"mdhd", 0, 0, struct.pack(">IIIIHH", 0, 0, timescale, 0, 0x55C4, 0)),
            full_box(b"hdlr", 0, 0, bytes(4), handler, bytes(12), b"x\0"),
            box(b"minf", head, dinf, stbl),
        ),
    )


@cache
def init_bytes(audio: bool = False) -> bytes:
    mvhd = struct.pack(">IIIIIH10x", 0, 0, 1000, 0, 0x10000, 0x100) + _MATRIX + bytes(24) + struct.pack(">I", 3)
    traks = [trak(1), *([trak(2, handler=b"soun")] if audio else [])]
    trex = [full_box(b"trex", 0, 0, struct.pack(">5I", n + 1, 1, 0, 0, 0)) for n in range(len(traks))]
    moov = box(b"moov", full_box(b"mvhd", 0, 0, mvhd), *traks, box(b"mvex", *trex))
    return box(b"ftyp", b"isom", bytes(4), b"isomiso6") + moov


@cache
def tracks(audio: bool = False) -> tuple[Track, ...]:
    return parse_init(init_bytes(audio))


@cache
def init(audio: bool = False) -> Init:
    return Init.of(init_bytes(audio), tracks(audio))


Sample = tuple[int, int, int, bool]
"""Size in bytes, duration and composition offset in ticks, sync."""


def moof(sequence: int, parts: list[tuple[int, int, list[Sample]]], hole: Hole | None = None) -> bytes:
    """``parts``: track, decode time, samples; their bytes follow one another in the mdat."""

    def build(offsets: list[int]) -> bytes:
        trafs = []
        for (track_id, decode_time, samples), offset in zip(parts, offsets, strict=True):
            rows = b"".join(
                struct.pack(">IIIi", duration, size, 0 if sync else 0x10000, cts)
                for size, duration, cts, sync in samples
            )
            trafs.append(
                box(
                    b"traf",
                    full_box(b"tfhd", 0, 0x020000, struct.pack(">I", track_id)),
                    full_box(b"tfdt", 1, 0, struct.pack(">Q", decode_time)),
                    full_box(b"trun", 1, 0xF01, struct.pack(">Ii", len(samples), offset), rows),
                )
            )
        after = [] if hole is None else [hole_box(hole)]
        return box(b"moof", full_box(b"mfhd", 0, 0, struct.pack(">I", sequence)), *trafs, *after)

    size = len(build([0] * len(parts)))
    offsets, at = [], size + 8
    for _, _, samples in parts:
        offsets.append(at)
        at += sum(sample[0] for sample in samples)
    return build(offsets)


@cache
def fragment(number: int, *, audio: bool = False, weight: int = 40, loss: str | None = None) -> tuple[bytes, Fragment]:
    """The ``number``th fragment of a run: half a second, whose bytes tell their number. With ``loss`` the next one
    could not be decoded."""
    start = number * FRAME_TICKS * FRAMES_A_FRAGMENT
    end = start + FRAME_TICKS * FRAMES_A_FRAGMENT
    hole = None if loss is None else Hole(end, end + FRAME_TICKS * FRAMES_A_FRAGMENT, loss)
    video: list[Sample] = [(weight + i, FRAME_TICKS, 0, i == 0) for i in range(FRAMES_A_FRAGMENT)]
    if hole is not None:
        video[-1] = (video[-1][0], hole.end - (end - FRAME_TICKS), 0, False)
    parts = [(1, start, video)]
    if audio:
        parts.append((2, start, [(7, FRAME_TICKS, 0, True) for _ in range(FRAMES_A_FRAGMENT)]))
    head = moof(number + 1, parts, hole)
    total = sum(sample[0] for _, _, samples in parts for sample in samples)
    return head + box(b"mdat", (number % 251 + 1).to_bytes(1, "big") * total), parse_moof(head)
