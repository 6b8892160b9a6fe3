"""G.711 sound of a real camera is in the files as AAC, whichever source reads it, and every picture as well."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av

from tests.support.cameras.clips import ClipSpec, clip
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import frames, now_us, serving

Serve = Callable[[Startable], str]


def test_g711_by_both_sources(tmp_path: Path, serve: Serve) -> None:
    cameras = {
        source: ScriptedCamera(clip(ClipSpec(frames=100, audio="pcma")), at_end="stall") for source in ("native", "av")
    }
    tables = [
        {"id": source, "url": serve(camera), "stall_timeout": "2s", "source": source, "audio": True}
        for source, camera in cameras.items()
    ]
    with serving(tmp_path, *tables, workers=1) as server:
        start_us = now_us()
        for source in cameras:
            server.until(lambda source=source: server.stalled(source, start_us))  # type: ignore[misc]
        server.stop()
    for source, camera in cameras.items():
        found = server.closed(source)
        first = [segment for segment in found if segment.run_start_us == found[0].run_start_us]
        sent = [entry.hash for entry in camera.journal.entries(client=0)]
        assert frames([segment.path for segment in first], "h264") == sent, source
        heard_s = 0.0
        for segment in first:
            with av.open(str(segment.path)) as container:
                (sound,) = container.streams.audio
                assert sound.codec_context.name == "aac" and sound.codec_context.sample_rate == 8000
                heard_s += sum(packet.size > 0 for packet in container.demux(sound)) * 1024 / 8000
        assert 3.0 < heard_s < 4.2, source
