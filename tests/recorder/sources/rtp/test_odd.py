"""The packets of odd cameras, fed to a receiver one by one: every frame that can be decoded comes out, and no other.
What `tests/support/cameras/test_odd.py` records through a server, without time."""

from __future__ import annotations

import itertools

import pytest

from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.frame import CodedFrame
from nvr.recorder.sources.rtsp.client import RtspTrack
from nvr.recorder.sources.rtsp.interleaving import video_receiver
from nvr.recorder.sources.rtsp.receiving import Clocks
from tests.support.cameras.frames import split
from tests.support.cameras.judge import begins, digest, hashes
from tests.support.cameras.odd import HABITS
from tests.support.cameras.odd.rtp import Rtp

FRAMES = 100
NAMES = [name for name, habit in HABITS.items() if habit.kind in ("units", "h265", "cousins")]


@pytest.mark.parametrize("name", NAMES)
def test_what_can_be_decoded_comes_out_and_nothing_else(name: str) -> None:
    camera_class = HABITS[name].camera
    spec, video = camera_class.clip_spec, camera_class.clip().video
    camera = camera_class(None, "")  # type: ignore[arg-type]
    media = sdp.Media("video", 96, "H264" if spec.codec == "h264" else "H265", 90_000)
    came: list[CodedFrame] = []
    now_us, sequence = 0, 65_500
    clocks = Clocks(lambda: now_us, lambda: now_us)
    receiver = video_receiver(
        RtspTrack(media, "", 0, 1),
        1,
        clocks,
        lambda frame, ticks, at_us, waited_us: came.append(frame),
        lambda at_us, camera_us: None,
        lambda: None,
    )
    decodable: list[int] = []
    is_known = False
    for shot in itertools.islice(camera_class.film(), FRAMES):
        unit = video.units[shot.number]
        payloads = camera.payloads(shot.number, camera.nals(shot.number, unit.payload))
        packets = [Rtp(payload, shot.pts, n == len(payloads), 96, 7) for n, payload in enumerate(payloads, 1)]
        for packet in camera.packets(shot.number, packets):
            now_us += 1_000
            receiver.on_rtp(memoryview(packet.encode(sequence)))
            sequence = sequence + 1 & 0xFFFF
        receiver.settle()
        now_us += 95_000
        is_known = shot.number not in camera.spoiled and (is_known or begins(spec.codec, unit))
        if is_known:
            decodable.append(shot.number)
    receiver.end()
    known = hashes(spec)
    found = [digest(spec.codec, split(frame.data, length_prefixed=True)) for frame in came]
    assert [known.index(hash_) if hash_ in known else -1 for hash_ in found] == decodable
    losses = sum(frame.loss != "" for frame in came)
    assert losses == sum(after > before + 1 for before, after in itertools.pairwise(decodable))
