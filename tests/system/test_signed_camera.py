"""A camera that signs what it sends: its NAL units, signatures included, come out of an export as they went in, bit for bit and in order."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import av
import pytest

from nvr.evidence.plan import SIGNATURE_UUID
from nvr.evidence.times import iso
from nvr.evidence.verify import verify
from tests.cameras.clips import Clip, ClipSpec, ClipUnit, clip
from tests.cameras.frames import is_vcl, split
from tests.cameras.running import Startable
from tests.cameras.scripted import ScriptedCamera
from tests.system.server import NVR, now_us, serving

Serve = Callable[[Startable], str]

GROUP = 10
# A signature with its certificate: as large as real ones, so that it is fragmented on the wire.
LENGTHS = (700, 1_200, 4_000)


def sei(codec: str, number: int) -> bytes:
    """An SEI unit with user data of ONVIF Media Signing, each another one. No zeros, so that nothing needs to be escaped."""
    length = LENGTHS[number % len(LENGTHS)]
    content = bytes(1 + (number * 7 + i * 13) % 255 for i in range(length))
    size = 16 + length
    header = b"\x06" if codec == "h264" else b"\x4e\x01"
    return header + b"\x05" + b"\xff" * (size // 255) + bytes((size % 255,)) + SIGNATURE_UUID + content + b"\x80"


def signed(made: Clip) -> Clip:
    """The clip with a signature in front of the first slice of every third group, and other user data in front of the rest of the pictures."""
    codec = made.video.codec

    def with_sei(number: int, unit: ClipUnit) -> ClipUnit:
        if unit.keyframe and number // GROUP % 3 == 0:
            extra = sei(codec, number)
        else:
            extra = sei(codec, number).replace(SIGNATURE_UUID, bytes(range(1, 17)))
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


@pytest.mark.parametrize(("codec", "source"), [("h264", "native"), ("h265", "av")])
def test_every_unit_is_exported_as_it_was_sent(
    tmp_path: Path, serve: Serve, codec: Literal["h264", "h265"], source: str
) -> None:
    film = signed(clip(ClipSpec(codec=codec, frames=150, group=GROUP, bit_rate_bps=200_000)))
    camera = ScriptedCamera(film, at_end="stall")
    table = {"id": "cam", "url": serve(camera), "source": source}
    with serving(tmp_path, table, workers=1, segment_duration="2s") as server:
        server.until(lambda: len(server.closed("cam")) >= 2, what="segments")
        camera.journal.wait(len(film.video.units))
        start_us = server.closed("cam")[0].key.start_us
        server.until(lambda: server.coverage("cam", start_us).recorded_us > 5_500_000, what="footage")
        # It ends in the middle of a group, whose signature comes up to three groups later.
        end_us = start_us + 3_060_000
        command = [NVR, "export", "--config", server.config, "--camera", "cam", "--out", tmp_path / "out"]
        command += ["--start", iso(start_us), "--end", iso(end_us)]
        subprocess.run(command, check=True, capture_output=True)
        assert now_us() > end_us
    (package,) = (tmp_path / "out").iterdir()
    assert verify(package).outcome == "valid"
    found = list(itertools.chain.from_iterable(pictures(path, codec) for path in sorted(package.glob("*.mp4"))))
    sent = [[nal for nal in unit.payload if is_own(codec, nal)] for unit in film.video.units]
    first = sent.index(found[0])
    assert found == sent[first : first + len(found)]
    assert len(found) >= 70
    signatures = [number for number, nals in enumerate(found) if any(SIGNATURE_UUID in nal for nal in nals)]
    # The last one signs the pictures before it: of the range, all.
    assert len(signatures) >= 2
    assert signatures[-1] >= 3 * 25
