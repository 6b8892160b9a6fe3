"""Where should the index of fragments live: in each file's tail, nowhere (scan the file), or as rows of the catalogue?

``python -m tests.bench.bench_index``: one real segment of five minutes (25 frames a second, a fragment each half
second), copied; reads its index in the three ways and prints time and bytes a segment. Answers the question in
docs/design/architecture.md.
"""

from __future__ import annotations

import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av

from nvr.recorder.media.fragments import Fragmenter
from nvr.recorder.media.inits import Template
from storage.disk.files import FILES
from storage.disk.roots import open_root
from storage.format.index_builder import IndexBuilder
from storage.format.sample_index import SegmentIndex
from storage.format.sample_index_codec import encode
from storage.format.segment_file import Head
from storage.writing.segment_writer import SegmentWriter
from tests.bench.machine import describe
from tests.recorder.frames_made import encoded
from tests.support.segments import read

SECONDS, RATE, GOP = 300, 25, 50
COPIES = 20


def make(folder: Path) -> tuple[Path, Path]:
    """The segment as it is when closed, and the same one cut off before its tail."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE), Fraction(RATE)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "g": str(GOP)}
    packets = []
    for number in range(SECONDS * RATE):
        frame = av.VideoFrame(320, 180, "yuv420p")
        frame.pts = number
        packets += encoder.encode(frame)
    first = bytes(packets[0])
    muxer = Fragmenter.of(Template.of_keyframe("h264", first), None, Fraction(1, 90_000))
    head = Head("cam", "n", 1, 0, 0, 0, 90_000)
    part, final = folder / "part", folder / "closed.mp4"
    writer = SegmentWriter(FILES, folder, part, final, muxer.init, head)
    index, offset = IndexBuilder(muxer.tracks), writer.bytes
    muxed = []
    for number, packet in enumerate(packets):
        muxed += muxer.video(encoded(packet, number * 3600))
    for fragment in [*muxed, *muxer.close()]:
        writer.append(fragment.buffers)
        index.add(offset, fragment.size, fragment.fragment)
        offset += fragment.size
    open_ended = folder / "growing.mp4"
    open_ended.write_bytes(part.read_bytes())
    writer.begin_close(
        end_us=SECONDS * 10**6, media_end=SECONDS * 90_000, frames=len(packets), reason="rotation", index=index.packed()
    ).result()
    return final, open_ended


def timed(work: Callable[[], object]) -> str:
    times = []
    for _ in range(COPIES):
        began = time.perf_counter()
        work()
        times.append((time.perf_counter() - began) * 1000)
    return f"{statistics.median(times):8.3f} ms (least {min(times):.3f}, most {max(times):.3f})"


def rows(index: SegmentIndex, path: Path) -> tuple[Callable[[], object], Callable[[], object], float]:
    """Writing and reading the fragments as rows, and their bytes a segment. Samples, which clips need too, are left
    out: this is the least that rows cost."""
    conn = sqlite3.connect(path, isolation_level=None)
    conn.execute("PRAGMA journal_mode = WAL")
    conn.execute(
        "CREATE TABLE fragment (segment INTEGER, number INTEGER, offset INTEGER, size INTEGER, start INTEGER,"
        " sync INTEGER, PRIMARY KEY (segment, number)) WITHOUT ROWID"
    )
    found = [(number, r.offset, r.size, r.start, r.sync) for number, r in enumerate(index.rows())]
    segment = 0

    def write() -> None:
        nonlocal segment
        segment += 1
        conn.execute("BEGIN")
        conn.executemany("INSERT INTO fragment VALUES (?,?,?,?,?,?)", [(segment, *row) for row in found])
        conn.execute("COMMIT")

    for _ in range(COPIES):
        write()
    conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size / segment
    return write, lambda: conn.execute("SELECT * FROM fragment WHERE segment = 7").fetchall(), size


def main() -> None:
    print(describe())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        open_root(folder, known=None)
        closed, growing = make(folder)
        file = read(closed)
        blob = len(encode(file.index))
        print(
            f"one segment: {closed.stat().st_size} bytes, {len(file.index.fragments)} fragments, "
            f"{file.index.video.count} samples"
        )
        write, look, size = rows(file.index, folder / "rows.sqlite")
        print(f"tail:  read {timed(lambda: read(closed))}; {blob} bytes, samples included")
        print(f"scan:  read {timed(lambda: read(growing))}; 0 bytes")
        print(f"rows:  read {timed(look)}, write {timed(write)}; {size:.0f} bytes, fragments only")


if __name__ == "__main__":
    main()
