"""A camera that signs what it sends: its NAL units, signatures included, are in segments, clips and exports as they
went in, bit for bit and in order; with audio as without, whichever source reads it."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from nvr.evidence.package.camera_signature import SIGNATURE_UUID
from nvr.evidence.seal.times import iso
from nvr.evidence.verify import verify
from tests.support.cameras.clips import Clip, ClipSpec, ClipUnit, clip
from tests.support.cameras.frames import is_vcl, split
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import NVR, now_us, serving

Serve = Callable[[Startable], str]

GROUP = 10
# A signature with its certificate: as large as real ones, so that it is fragmented on the wire.
LENGTHS = (700, 1_200, 4_000)


# Start codes in the middle of a signature, as cameras send that protect nothing; what follows them looks like a unit of
# no known kind, or like a slice.
HARMLESS = (b"\0\0\1\x7f\xff", b"\0\0\0\1\x7f\xff")
HARMFUL = (b"\0\0\1\x65\x88\x84", b"\0\0\0\1\x41\x9a", b"\0\0\1\x02\x01\xd0")


def sei(codec: str, number: int, inside: tuple[bytes, ...] = HARMLESS) -> bytes:
    """An SEI unit with user data of ONVIF Media Signing, each another one. It holds start codes as they are."""
    length = LENGTHS[number % len(LENGTHS)]
    content = bytes(1 + (number * 7 + i * 13) % 255 for i in range(length))
    for place, code in enumerate(inside):
        at = 100 + 150 * place + number % 50
        content = content[:at] + code + content[at + len(code) :]
    size = 16 + length
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    return header + b"\x05" + b"\xff" * (size // 255) + bytes((size % 255,)) + SIGNATURE_UUID + content + b"\x80"


def signed(made: Clip, inside: tuple[bytes, ...] = HARMLESS) -> Clip:
    """The clip with a signature in front of the first slice of every third group, and other user data in front of the
    rest of the pictures."""
    codec = made.video.codec

    def with_sei(number: int, unit: ClipUnit) -> ClipUnit:
        if unit.keyframe and number // GROUP % 3 == 0:
            extra = sei(codec, number, inside)
        else:
            extra = sei(codec, number, inside).replace(SIGNATURE_UUID, bytes(range(1, 17)))
        first = next(i for i, nal in enumerate(unit.payload) if is_vcl(codec, nal))
        return dataclasses.replace(unit, payload=(*unit.payload[:first], extra, *unit.payload[first:]))

    units = tuple(with_sei(number, unit) for number, unit in enumerate(made.video.units))
    return dataclasses.replace(made, tracks=(dataclasses.replace(made.video, units=units), *made.tracks[1:]))


def is_own(codec: str, nal: bytes) -> bool:
    """Whether it is neither a parameter set, which the init has, nor a delimiter."""
    kind = nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F
    return kind not in ((7, 8, 9) if codec == "h264" else (32, 33, 34, 35))


def pictures(path: Path, codec: str) -> list[list[bytes]]:
    with av.open(str(path)) as container:
        packets: Any = container.demux(video=0)
        return [
            [nal for nal in split(bytes(packet), length_prefixed=True) if is_own(codec, nal)]
            for packet in packets
            if packet.size
        ]


@pytest.mark.nightly
@pytest.mark.parametrize("audio", [None, "pcma"], ids=["alone", "with audio"])
@pytest.mark.parametrize(("codec", "source"), [("h264", "native"), ("h265", "av")])
def test_every_unit_is_where_it_was_sent(
    tmp_path: Path, serve: Serve, codec: Literal["h264", "h265"], source: str, audio: Literal["pcma"] | None
) -> None:
    # FFmpeg's parser looks behind every start code for slices; the bytes that are recorded are not from there.
    inside = HARMLESS + HARMFUL
    film = signed(clip(ClipSpec(codec=codec, frames=150, group=GROUP, bit_rate_bps=200_000, audio=audio)), inside)
    camera = ScriptedCamera(film, at_end="stall")
    table = {"id": "cam", "url": serve(camera), "source": source, "audio": audio is not None}
    with serving(tmp_path, table, workers=1, segment_duration="2s") as server:
        server.until(lambda: len(server.closed("cam")) >= 2, what="segments")
        camera.journal.wait(len(film.video.units))
        start_us = server.closed("cam")[0].key.start_us
        server.until(lambda: server.coverage("cam", start_us).recorded_us > 5_500_000, what="footage")
        # It ends in the middle of a group, whose signature comes up to three groups later.
        end_us = start_us + 3_060_000
        for command, out in (("export", tmp_path / "out"), ("clip", tmp_path / "clip.mp4")):
            words = [NVR, command, "--config", server.config, "--camera", "cam", "--out", out]
            subprocess.run([*words, "--start", iso(start_us), "--end", iso(end_us)], check=True, capture_output=True)
        assert now_us() > end_us
    sent = [[nal for nal in unit.payload if is_own(codec, nal)] for unit in film.video.units]
    (package,) = (tmp_path / "out").iterdir()
    assert verify(package).outcome == "valid"
    segments = server.closed("cam")
    paths = {
        # The camera plays once more when it is connected to again.
        "segments": [segment.path for segment in segments if segment.run_start_us == segments[0].run_start_us],
        "clip": [tmp_path / "clip.mp4"],
        "export": sorted(package.glob("*.mp4")),
    }
    for what, files in paths.items():
        found = list(itertools.chain.from_iterable(pictures(path, codec) for path in files))
        first = sent.index(found[0])
        assert found == sent[first : first + len(found)], what
        assert len(found) >= 70, what
        with av.open(str(files[0])) as container:
            assert bool(container.streams.audio) == (audio is not None), what
    found = list(itertools.chain.from_iterable(pictures(path, codec) for path in paths["export"]))
    signatures = [number for number, nals in enumerate(found) if any(SIGNATURE_UUID in nal for nal in nals)]
    # The last one signs the pictures before it: of the range, all.
    assert len(signatures) >= 2
    assert signatures[-1] >= 3 * 25
