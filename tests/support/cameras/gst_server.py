"""GStreamer's RTSP server as a camera: run by the system's Python as `python3 -m tests.support.cameras.gst_server`.

Independent of the product and of our own RTSP server: other encoders, packetisers and clocks. Prints one line of JSON,
`{"urls": {mount: url}, "logs": {mount: path}}`, and runs until its standard input closes. Every frame that goes to the
payloader is logged as a line `index,at_ns,pts_ns,size,keyframe,sha256`; media are shared, so that is what every client
gets.
"""

import argparse
import json
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

from .frames import vcl_hash

MISSING = 3  # exit status: something is not installed; what, and how to get it, is on standard error


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument("--size", default="320x240")
    parser.add_argument("--frame-rate", type=int, default=15)
    parser.add_argument("--group", type=int, default=15)
    parser.add_argument("--mounts", nargs="+", choices=("h264", "h265", "h264-aac"), default=["h264"])
    options = parser.parse_args()
    gst, rtsp, glib = _libraries()
    server = rtsp.RTSPServer.new()
    server.set_address("127.0.0.1")
    server.set_service("0")
    urls, logs = {}, {}
    for mount in options.mounts:
        log = options.logs / f"{mount}.log"
        logs[mount] = str(log)
        factory = rtsp.RTSPMediaFactory.new()
        factory.set_launch(_pipeline(gst, mount, options))
        factory.set_shared(True)
        factory.connect("media-configure", _watch, gst, "h265" if mount == "h265" else "h264", log)
        server.get_mount_points().add_factory(f"/{mount}", factory)
    server.attach(None)
    for mount in options.mounts:
        urls[mount] = f"rtsp://127.0.0.1:{server.get_bound_port()}/{mount}"
    print(json.dumps({"urls": urls, "logs": logs}), flush=True)
    loop = glib.MainLoop()
    threading.Thread(target=_quit_with_input, args=(glib, loop), daemon=True).start()
    loop.run()


def _quit_with_input(glib: Any, loop: Any) -> None:
    while os.read(0, 4096):
        pass
    glib.idle_add(loop.quit)


def _libraries() -> tuple[Any, Any, Any]:
    try:
        import gi  # type: ignore[import-not-found, unused-ignore]

        gi.require_version("Gst", "1.0")
        gi.require_version("GstRtspServer", "1.0")
        from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found, unused-ignore]
    except (ImportError, ValueError) as error:
        _missing(f"{error}", "python3-gi gir1.2-gst-rtsp-server-1.0")
    Gst.init(None)
    return Gst, GstRtspServer, GLib


def _pipeline(gst: Any, mount: str, options: argparse.Namespace) -> str:
    """A launch line whose video payloader gets whole access units as a byte stream."""
    width, _, height = options.size.partition("x")
    _need(gst, "timeoverlay", "gstreamer1.0-x")
    source = (
        f"videotestsrc is-live=true pattern=snow ! video/x-raw,format=I420,width={width},height={height},"
        f"framerate={options.frame_rate}/1 ! "
    )
    if mount == "h265":
        _need(gst, "x265enc", "gstreamer1.0-plugins-bad")
        codec = (
            f"x265enc speed-preset=ultrafast tune=zerolatency key-int-max={options.group} bitrate=300 "
            "option-string=scenecut=0:pools=none:frame-threads=1:log-level=none ! h265parse config-interval=0 ! "
            "video/x-h265,stream-format=byte-stream,alignment=au ! "
            "rtph265pay name=pay0 pt=96 config-interval=-1"
        )
    else:
        _need(gst, "x264enc", "gstreamer1.0-plugins-ugly")
        codec = (
            f"x264enc speed-preset=ultrafast tune=zerolatency key-int-max={options.group} bitrate=300 "
            "option-string=scenecut=0 threads=1 ! h264parse config-interval=0 ! "
            "video/x-h264,stream-format=byte-stream,alignment=au ! "
            "rtph264pay name=pay0 pt=96 config-interval=-1"
        )
    audio = ""
    if mount == "h264-aac":
        encoder = next((name for name in ("fdkaacenc", "voaacenc", "avenc_aac") if gst.ElementFactory.find(name)), None)
        if encoder is None:
            _missing("no AAC encoder", "gstreamer1.0-libav")
        audio = (
            " audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=16000,channels=1 ! audioconvert ! "
            f"{encoder} ! aacparse ! rtpmp4gpay name=pay1 pt=97"
        )
    return f"( {source}{codec}{audio} )"


def _need(gst: Any, element: str, package: str) -> None:
    if gst.ElementFactory.find(element) is None:
        _missing(f"no element {element}", package)


def _missing(what: str, packages: str) -> NoReturn:
    print(f"{what}: apt-get install {packages}", file=sys.stderr)
    sys.exit(MISSING)


def _watch(factory: Any, media: Any, gst: Any, codec: str, log: Path) -> None:
    """Log every access unit that enters the video payloader of a new media."""
    file = log.open("a", buffering=1)
    begin = file.tell()
    count = 0

    def note(pad: Any, info: Any) -> Any:
        nonlocal count
        buffer = info.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        keyframe = int(not buffer.get_flags() & gst.BufferFlags.DELTA_UNIT)
        at_ns = time.monotonic_ns()
        file.write(f"{count},{at_ns},{buffer.pts},{len(data)},{keyframe},{vcl_hash(codec, data, False)}\n")
        count += 1
        return gst.PadProbeReturn.OK

    def forget(pad: Any, info: Any) -> Any:
        # The first PLAY flushes what the pipeline was prepared with: those frames were never sent.
        nonlocal count
        if info.get_event().type == gst.EventType.FLUSH_STOP:
            count = 0
            file.seek(begin)
            file.truncate()
        return gst.PadProbeReturn.OK

    pad = media.get_element().get_by_name("pay0").get_static_pad("sink")
    pad.add_probe(gst.PadProbeType.BUFFER, note)
    pad.add_probe(gst.PadProbeType.EVENT_FLUSH, forget)


if __name__ == "__main__":
    main()
