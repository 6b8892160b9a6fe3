"""Looking at cameras: real ones over RTSP, their captures, and captures that are none."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from nvr.cli import main
from nvr.demo.rtsp import Auth
from nvr.recorder.probe.capture import CaptureError, Recorder, read
from nvr.recorder.probe.findings import ODDITIES, oddities
from nvr.recorder.probe.measure import Measured, MeasuredFrame
from tests.support.cameras.clips import Clip
from tests.support.cameras.faults import Faults
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.cameras.stub import SDP, Asked, StubCamera

Serve = Callable[[Startable], str]
PASSWORD = "s3cret/%@word"


def nvr(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(main, ["probe", *words])


def codes(report: dict[str, Any]) -> set[str]:
    return {oddity["code"] for oddity in report["oddities"]}


def test_a_camera_its_capture_and_the_replay_of_it(tmp_path: Path, serve: Serve, h264_clip: Clip) -> None:
    url = serve(ScriptedCamera(h264_clip, at_end="repeat", auth=Auth("anna", PASSWORD)))
    capture, picture = tmp_path / "odd.capture", tmp_path / "still.jpg"
    done = nvr(
        url,
        "--username",
        "anna",
        "--capture",
        str(capture),
        "--picture",
        str(picture),
        "--json",
        NVR_CAMERA_PASSWORD=PASSWORD,
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["source"], found["transport"], found["codec"]) == ("native", "tcp", "h264")
    assert found["frames"] > 20 and found["frame_rate"] == pytest.approx(
        found["declared_frame_rate"] or h264_clip.fps, rel=0.2
    )
    assert found["keyframe_s"] is not None and found["error"] is None
    assert picture.stat().st_mode & 0o077 == 0
    with Image.open(picture) as image:
        assert image.size == (found["width"], found["height"])
    # Nothing of the login is in the capture, in any form.
    text = capture.read_text()
    assert capture.stat().st_mode & 0o077 == 0
    for secret in (
        PASSWORD,
        "s3cret",
        base64.b64encode(f"anna:{PASSWORD}".encode()).decode(),
        "Authorization",
        "response=",
    ):
        assert secret not in text
    again = json.loads(nvr("--replay", str(capture), "--json").stdout)
    assert [again[key] for key in ("codec", "width", "height", "profile")] == [
        found[key] for key in ("codec", "width", "height", "profile")
    ]
    assert abs(again["frames"] - found["frames"]) <= 2
    # Another one is not written over it.
    assert nvr(url, "--capture", str(capture)).exit_code == 1 and capture.read_text() == text


def test_what_goes_wrong_is_said(serve: Serve, h264_clip: Clip) -> None:
    refused = nvr(
        serve(ScriptedCamera(h264_clip, auth=Auth("anna", PASSWORD))), "--username", "anna", NVR_CAMERA_PASSWORD="wrong"
    )
    assert refused.exit_code == 1 and "unauthorized" in refused.stdout
    missing = json.loads(
        nvr(serve(ScriptedCamera(h264_clip, faults=Faults(status={"DESCRIBE": 404}))), "--json").stdout
    )
    assert (missing["frames"], missing["cause"]) == (0, "rejected")
    assert nvr("rtsp://127.0.0.1:1/none").exit_code == 1
    for words in ([], ["rtsp://127.0.0.1/x", "--replay", __file__], ["not a url"]):
        assert nvr(*words).exit_code == 2
    damaged = nvr("--replay", __file__)
    assert damaged.exit_code == 1 and "line 1" in damaged.stderr


def test_losses_and_duplicates_are_counted(serve: Serve, h264_clip: Clip) -> None:
    faults = Faults(drop=frozenset({(7, 0)}), duplicate=frozenset({12, 13}))
    found = json.loads(nvr(serve(ScriptedCamera(h264_clip, at_end="repeat", faults=faults)), "--json").stdout)
    assert {"lost_packets", "duplicate_packets", "damaged_frames"} <= codes(found)


def frames(
    rate: float, media_rate: float, count: int = 120, keyframe: int = 40, jump_s: float = 0.0
) -> list[MeasuredFrame]:
    made = []
    for number in range(count):
        jumped = jump_s if number > count // 2 else 0.0
        media_us = round(number / media_rate * 1e6 + jumped * 1e6)
        made.append(MeasuredFrame(round(number / rate * 1e6), media_us, 1000, number % keyframe == 0, ""))
    return made


@pytest.mark.parametrize(
    ("given", "declared", "expected"),
    [
        (frames(25, 25), 25.0, set()),
        (frames(8.4, 10), 10.0, {"media_rate", "frame_rate"}),
        (frames(25, 25, jump_s=5.0), 25.0, {"media_jump"}),
        (frames(25, 25, jump_s=-1.5), 25.0, {"media_jump"}),
        (frames(10, 10, count=140, keyframe=120), 10.0, {"long_keyframe_distance"}),
        (frames(10, 1e9), 10.0, {"media_rate", "equal_times"}),
        ([], None, {"no_keyframe"}),
    ],
)
def test_oddities_of_time(given: list[MeasuredFrame], declared: float | None, expected: set[str]) -> None:
    found = oddities(Measured(frames=given, declared_fps=declared), {}, 9.0, None)
    assert {oddity.code for oddity in found} == expected
    assert all(oddity.code in ODDITIES for oddity in found)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"nvr": "capture", "version": 2}', "[" * 50_000,
     '{"nvr": "capture", "version": 1}\n{"t_us": -1, "from": "camera"}',
     '{"nvr": "capture", "version": 1}\n{"t_us": 1, "from": "camera", "channel": 256, "rtp": ""}', "\x00"],
)  # fmt: skip
def test_what_is_no_capture_is_refused(text: str) -> None:
    with pytest.raises(CaptureError):
        read(io.StringIO(text))


def test_a_capture_holds_messages_packets_and_stray_bytes_however_they_are_cut() -> None:
    said = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nbody$\x00\x00\x03abcjunkRTSP/1.0 200 OK\r\n\r\n"
    for size in range(1, len(said)):
        lines: list[str] = []
        recorder = Recorder(lines.append, lambda text: text, lambda: 5, {})
        for at in range(0, len(said), size):
            recorder.received(said[at : at + size])
        found = read(lines).events
        assert "".join(event.rtsp for event in found).count("RTSP/1.0") == 2
        assert b"".join(event.data for event in found if event.channel == 0) == b"abc"
        assert b"".join(event.data for event in found if event.channel < 0) == b"junk"


def test_what_a_camera_calls_its_sound_may_be_its_password(serve: Serve, tmp_path: Path) -> None:
    def reply(asked: Asked) -> bytes:
        if not asked.authorization:
            return asked.answer("401 No", 'WWW-Authenticate: Digest realm="r", nonce="1"')
        sound = f"m=audio 0 RTP/AVP 97\r\na=rtpmap:97 X{PASSWORD.replace('/', '')}/8000\r\n"
        return asked.usual(SDP + sound.encode())

    url = serve(StubCamera(reply))
    picture = tmp_path / "none.jpg"
    done = nvr(url, "--username", "anna", "--audio", "--json", "--seconds", "2", "--picture", str(picture),
               NVR_CAMERA_PASSWORD=PASSWORD)  # fmt: skip
    found = json.loads(done.stdout)
    assert found["audio"] and "***" in found["audio"]
    assert "s3cret" not in done.output.lower()
