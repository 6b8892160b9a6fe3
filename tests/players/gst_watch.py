"""Plays an address with GStreamer's playbin and prints what it shows, as JSON. Run by Debian's Python, which alone has
GStreamer's bindings. Exit code 3: they are not installed.

``gst_watch.py ADDRESS SECONDS [SEEK_SECONDS]``: ``{"length": seconds or null, "shown": [[position in seconds, number]],
"after": the same from a seek on, "ended": bool, "error": text or null}``. Frames come as fast as they can.
"""

import json
import sys
import time

try:
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError):
    sys.exit(3)

BITS = 16


def number(data, width, height):
    row = (height // 2) * width
    block = width // BITS
    return sum((data[row + bit * block + block // 2] > 125) << bit for bit in range(BITS))


def look(sample):
    caps, buffer, segment = sample.get_caps().get_structure(0), sample.get_buffer(), sample.get_segment()
    ok, memory = buffer.map(Gst.MapFlags.READ)
    assert ok
    try:
        shown = number(memory.data, caps.get_value("width"), caps.get_value("height"))
    finally:
        buffer.unmap(memory)
    return [round(segment.to_stream_time(Gst.Format.TIME, buffer.pts) / Gst.SECOND, 3), shown]


def length(pipeline):
    known, found = pipeline.query_duration(Gst.Format.TIME)
    return found / Gst.SECOND if known else None


def main(address, seconds, seek):
    Gst.init(None)
    missing = [name for name in ("playbin", "qtdemux", "avdec_h264") if Gst.ElementFactory.find(name) is None]
    if missing:
        print(f"no {missing}", file=sys.stderr)
        return 3
    pipeline = Gst.ElementFactory.make("playbin", None)
    sink = Gst.parse_bin_from_description(
        "videoconvert ! video/x-raw,format=GRAY8 ! appsink name=sink sync=false max-buffers=4", True
    )
    frames = sink.get_by_name("sink")
    for name, value in (("uri", address), ("video-sink", sink)):
        pipeline.set_property(name, value)
    pipeline.set_property("audio-sink", Gst.ElementFactory.make("fakesink", None))
    bus, error = pipeline.get_bus(), None

    def pull(until, most):
        nonlocal error
        found = []
        while time.monotonic() < until and len(found) < most and error is None and not frames.get_property("eos"):
            sample = frames.emit("try-pull-sample", Gst.SECOND // 5)
            if sample is not None:
                found.append(look(sample))
            message = bus.pop_filtered(Gst.MessageType.ERROR)
            if message is not None:
                error = str(message.parse_error())
        return found

    pipeline.set_state(Gst.State.PLAYING)
    shown = pull(time.monotonic() + seconds, 100_000 if seek is None else 5)
    whole, after = length(pipeline), []
    if seek is not None:
        pipeline.set_state(Gst.State.PAUSED)
        pipeline.get_state(5 * Gst.SECOND)
        pipeline.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, round(seek * Gst.SECOND))
        pipeline.get_state(5 * Gst.SECOND)
        sample = frames.emit("try-pull-preroll", 5 * Gst.SECOND)
        after = [] if sample is None else [look(sample)]
    ended = frames.get_property("eos")
    pipeline.set_state(Gst.State.NULL)
    print(json.dumps({"length": whole, "shown": shown, "after": after, "ended": ended, "error": error}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], float(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else None))
