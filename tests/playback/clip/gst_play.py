"""Plays a file with GStreamer and prints, a line a picture: when it is shown (ns) and the number that it carries.

Run by Debian's Python, which alone has GStreamer's bindings. Exit code 3: they are not installed.
"""

import sys

try:
    import gi

    gi.require_version("Gst", "1.0")
    from gi.repository import Gst
except (ImportError, ValueError):
    sys.exit(3)

BITS, BLOCK = 16, 16


def number(data, width, height):
    row = (height // 2) * width
    return sum((data[row + bit * BLOCK + BLOCK // 2] > 125) << bit for bit in range(BITS))


def main(path):
    Gst.init(None)
    missing = [name for name in ("qtdemux", "decodebin", "avdec_h264") if Gst.ElementFactory.find(name) is None]
    if missing:
        print(f"no {missing}", file=sys.stderr)
        return 3
    pipeline = Gst.parse_launch(
        "filesrc name=file ! decodebin ! videoconvert ! video/x-raw,format=GRAY8 ! appsink name=sink sync=false"
        " max-buffers=8"
    )
    pipeline.get_by_name("file").set_property("location", path)
    sink = pipeline.get_by_name("sink")
    pipeline.set_state(Gst.State.PLAYING)
    while True:
        sample = sink.emit("try-pull-sample", 10 * Gst.SECOND)
        if sample is None:
            break
        caps, buffer, segment = sample.get_caps().get_structure(0), sample.get_buffer(), sample.get_segment()
        ok, memory = buffer.map(Gst.MapFlags.READ)
        assert ok
        shown = segment.to_running_time(Gst.Format.TIME, buffer.pts)
        print(shown, number(memory.data, caps.get_value("width"), caps.get_value("height")))
        buffer.unmap(memory)
    message = pipeline.get_bus().pop_filtered(Gst.MessageType.ERROR)
    ended = sink.get_property("eos")
    pipeline.set_state(Gst.State.NULL)
    if message is not None or not ended:
        print(message.parse_error() if message is not None else "did not end", file=sys.stderr)
        return 1
    return 0


sys.exit(main(sys.argv[1]))
