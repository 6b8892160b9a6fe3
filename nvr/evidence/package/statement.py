"""The statement: one or two pages for people, in Indonesian and English, made of the manifest and a first picture of
each camera.

It says nothing that the manifest does not say, and is itself named in it. Long lists are cut, with the number of what
was left out.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import av
import av.error
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from nvr.evidence.seal.times import iso, local, parse_iso
from nvr.playback.snapshot import MOST_PIXELS
from nvr.texts import Formats, words
from storage.causes import Cause, CauseClass
from storage.coverage.account import TimeAccount
from storage.coverage.figures import Category, category
from storage.sentences import fill

__all__ = ["first_picture", "make_statement"]

_MARGIN_MM: Final = 15
# Its reader may be in a court in Semarang or in a laboratory abroad.
_LANGUAGES: Final = ("id", "en")
_WIDTH_MM: Final = 180
_LABEL_MM: Final = 66
_MOST_CAMERAS: Final = 4
_MOST_GAPS: Final = 8
_MOST_FILES: Final = 10
_STILL_PIXELS: Final = 640

_INK: Final = (30, 36, 44)
_FAINT: Final = (104, 112, 122)
_FOOTAGE: Final = (37, 110, 88)
_GAP: Final = (196, 62, 54)
_UNKNOWN: Final = (222, 225, 229)

# What the built-in fonts of PDF lack.
_PLAIN: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u202f": " ", "\u2009": " "}
)


def first_picture(path: Path) -> bytes | None:
    """The first frame of an MP4 as JPEG; None if it can't be decoded here, which says nothing about the footage."""
    try:
        with av.open(str(path), "r", format="mp4") as container:
            stream = container.streams.video[0]
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"max_pixels": str(MOST_PIXELS)}
            frame = next(iter(container.decode(stream)))
            wide = min(frame.width, _STILL_PIXELS) // 2 * 2
            high = max(frame.height * wide // frame.width // 2 * 2, 2)
            image = Image.fromarray(frame.to_ndarray(format="rgb24", width=wide, height=high))
    except (av.error.FFmpegError, StopIteration, IndexError, ValueError):
        return None
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return file.getvalue()


class _Page(FPDF):
    """A4 with the export's id and the page's number at its foot."""

    def __init__(self, export_id: str, made_us: int) -> None:
        super().__init__(format="A4")
        self._export_id = export_id
        self.set_margins(_MARGIN_MM, _MARGIN_MM)
        self.set_auto_page_break(True, margin=16)
        self.set_creation_date(datetime.fromtimestamp(made_us // 1_000_000, UTC))
        self.set_title(f"{_label('title')} {export_id}")
        self.add_page()

    def footer(self) -> None:
        """What FPDF draws at the end of each page."""
        self.set_y(-12)
        self.font(7, colour=_FAINT)
        self.cell(0, 4, _plain(f"{_label('id')} {self._export_id}   {self.page_no()}/{{nb}}"), align="C")

    def font(self, size: float, *, bold: bool = False, mono: bool = False, colour: tuple[int, int, int] = _INK) -> None:
        """The font of what follows."""
        self.set_font("Courier" if mono else "Helvetica", "B" if bold else "", size)
        self.set_text_color(*colour)

    def line_of(self, text: str, height: float = 4.2) -> None:
        """A paragraph across the page, broken where it must be."""
        self.multi_cell(0, height, _plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")

    def heading(self, key: str) -> None:
        """A section's heading; never alone at the foot of a page."""
        if self.will_page_break(18):
            self.add_page()
        self.ln(2)
        self.font(9.5, bold=True)
        self.line_of(_label(key), 5)

    def row(self, label: str, value: str) -> None:
        """A label and what belongs to it."""
        self.font(8, colour=_FAINT)
        top = self.get_y()
        self.cell(_LABEL_MM, 4.2, _plain(label))
        self.font(8)
        self.set_xy(_MARGIN_MM + _LABEL_MM, top)
        self.multi_cell(
            _WIDTH_MM - _LABEL_MM, 4.2, _plain(value or _label("none")), new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )

    def both(self, key: str, **values: object) -> None:
        """A sentence in both languages."""
        for number, language in enumerate(_LANGUAGES):
            text = words(language).sentences[key]
            self.font(8, colour=_FAINT if number else _INK)
            self.line_of(fill(text, values), 3.9)


def _label(key: str) -> str:
    return " / ".join(words(language).statement[key] for language in _LANGUAGES)


def _plain(text: str) -> str:
    return text.translate(_PLAIN).encode("latin-1", "replace").decode("latin-1")


def make_statement(manifest: Mapping[str, Any], stills: Mapping[str, bytes | None]) -> bytes:
    """The statement as PDF. ``stills``: the first picture of each camera, JPEG."""
    zone = manifest["unit"]["zone"]
    page = _Page(manifest["id"], parse_iso(manifest["made"]))
    page.font(15, bold=True)
    page.line_of(_label("title"), 8)
    _about(page, manifest, zone)
    _warnings(page, manifest)
    cameras = manifest["cameras"]
    for camera in cameras[:_MOST_CAMERAS]:
        _camera(page, camera, stills.get(camera["id"]), zone)
    if len(cameras) > _MOST_CAMERAS:
        page.both("more", count=len(cameras) - _MOST_CAMERAS)
    _files(page, manifest["files"])
    page.heading("verify")
    page.both("verify")
    page.font(8, colour=_FAINT)
    page.line_of(_label("certificate"))
    page.font(7.5, mono=True)
    page.line_of(f"{manifest['signer']['certificate_sha256']}  ({manifest['signer']['subject']})")
    page.both("signed")
    return bytes(page.output())


def _time(text: str, zone: str) -> str:
    at_us = parse_iso(text)
    return f"{local(at_us, zone)} = {iso(at_us)[:-4]}Z"


def _about(page: _Page, manifest: Mapping[str, Any], zone: str) -> None:
    request, unit = manifest["request"], manifest["unit"]
    stated_by = request["stated_by"]
    for key in ("case", "legal_basis", "purpose", "requester", "approver", "operator"):
        by = stated_by.get(key)
        page.row(_label(key), request[key] if by is None else f"{request[key]}\n({_label('stated').format(who=by)})")
    page.row(_label("holds"), ", ".join(request["holds"]))
    page.row(_label("id"), manifest["id"])
    page.row(_label("made"), f"{_time(manifest['made'], zone)} ({zone})")
    page.row(_label("unit"), f"{unit['name']} ({unit['node']}), nvr {manifest['software']['version']}")
    state = manifest["server_clock_at_export"]["synchronized"]
    page.row(_label("clock"), _label("clock_none" if state is None else "clock_true" if state else "clock_false"))
    page.ln(1)
    if stated_by:
        page.both("stated")
    page.both("operation")
    page.both("preroll")


def _warnings(page: _Page, manifest: Mapping[str, Any]) -> None:
    segments = [segment for file in manifest["files"] for segment in file.get("segments", ())]
    wrong = sum(segment["matches"] is False for segment in segments)
    growing = sum(segment["matches"] is None for segment in segments)
    lost = sum(len(camera["not_delivered"]) for camera in manifest["cameras"])
    if wrong or lost:
        page.ln(2)
        page.font(9.5, bold=True, colour=_GAP)
        page.line_of(_label("warning"), 5)
    for key, count in (("not_as_recorded", wrong), ("not_delivered", lost), ("unverified", growing)):
        if count:
            page.both(key, count=count)


def _camera(page: _Page, camera: Mapping[str, Any], still: bytes | None, zone: str) -> None:
    english = Formats("en", zone)
    if page.will_page_break(72 if still else 40):
        page.add_page()
    page.ln(2)
    page.font(10.5, bold=True)
    page.line_of(f"{_label('camera')}: {camera['name']} ({camera['id']})", 6)
    requested = camera["requested"]
    page.row(_label("requested"), f"{_time(requested['start'], zone)}\n{_time(requested['end'], zone)}")
    page.row(_label("recorded"), english.length(camera["recorded_us"]))
    for key, us in _missing(camera["gaps"]).items():
        if us or key == "not_recorded":
            page.row(_label(key), english.length(us))
    if camera["not_known_us"]:
        page.row(_label("not_known").capitalize(), english.length(camera["not_known_us"]))
    offsets = [sample["offset_us"] for sample in camera["clock_offset_samples"]]
    told = (
        _label("camera_clock_ahead").format(first=_offset(min(offsets)), last=_offset(max(offsets)))
        if offsets
        else _label("camera_clock_none")
    )
    page.row(_label("camera_clock"), told)
    for step in camera["clock_steps"]:
        at, to = (local(parse_iso(step[key]), zone) for key in ("at", "to"))
        page.both("clock_step", at=at, to=to)
    _timeline(page, camera, zone)
    if still is not None:
        page.font(8, colour=_FAINT)
        page.line_of(_label("picture"))
        page.image(io.BytesIO(still), w=90, h=34, keep_aspect_ratio=True)
        page.ln(1)
    _gaps(page, camera["gaps"], zone)


def _missing(gaps: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What there is no footage of, in the three words of reports, microseconds."""
    sums: dict[Category, int] = {}
    for gap in gaps:
        name = category(Cause(gap["cause"]), CauseClass(gap["class"]))
        sums[name] = sums.get(name, 0) + parse_iso(gap["end"]) - parse_iso(gap["start"])
    account = TimeAccount.of_categories(sum(sums.values()), 0, sums)
    return {
        "not_recorded": account.not_recorded_us,
        "no_longer_there": account.no_longer_there_us,
        "not_required": account.not_required_us,
    }


def _offset(us: int) -> str:
    """Seconds, to the millisecond, signed."""
    ms = round(us / 1000)
    return f"{'-' if ms < 0 else '+'}{abs(ms) // 1000}.{abs(ms) % 1000:03d} s"


def _timeline(page: _Page, camera: Mapping[str, Any], zone: str) -> None:
    """Footage and gaps as a bar; the times of its ends below."""
    begin, end = (parse_iso(camera["requested"][key]) for key in ("start", "end"))
    page.ln(1.5)
    top = page.get_y()

    def bar(start_us: int, stop_us: int, colour: tuple[int, int, int]) -> None:
        left = _WIDTH_MM * (max(start_us, begin) - begin) / (end - begin)
        wide = _WIDTH_MM * (min(stop_us, end) - max(start_us, begin)) / (end - begin)
        page.set_fill_color(*colour)
        # A gap that happened is never invisible.
        page.rect(_MARGIN_MM + left, top, max(wide, 0.15), 6, style="F")

    bar(begin, end, _UNKNOWN)
    for items, colour in ((camera["spans"], _FOOTAGE), (camera["gaps"], _GAP)):
        for item in items:
            bar(parse_iso(item["start"]), parse_iso(item["end"]), colour)
    page.set_y(top + 6.5)
    page.font(7, colour=_FAINT)
    page.cell(_WIDTH_MM / 2, 3.5, _plain(local(begin, zone)))
    page.cell(_WIDTH_MM / 2, 3.5, _plain(local(end, zone)), align="R", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    x, y = page.get_x(), page.get_y()
    for key, colour in (("recorded", _FOOTAGE), ("missing", _GAP), ("not_known", _UNKNOWN)):
        page.set_fill_color(*colour)
        page.rect(x, y + 0.8, 3, 2.2, style="F")
        page.set_xy(x + 4, y)
        page.cell(52, 4, _plain(_label(key)))
        x += 60
    page.set_xy(_MARGIN_MM, y + 5)


def _gaps(page: _Page, gaps: Sequence[Mapping[str, Any]], zone: str) -> None:
    if not gaps:
        page.font(8)
        page.line_of(_label("no_gaps"))
        return
    page.font(8, colour=_FAINT)
    page.line_of(_label("gaps"))
    for gap in gaps[:_MOST_GAPS]:
        cause = Cause(gap["cause"])
        start_us, end_us = parse_iso(gap["start"]), parse_iso(gap["end"])
        length = Formats("en", zone).length(end_us - start_us)
        page.font(8)
        told = " / ".join(words(language).causes[cause] for language in _LANGUAGES)
        page.line_of(f"{local(start_us, zone)} + {length}: {told}")
    if len(gaps) > _MOST_GAPS:
        page.both("more", count=len(gaps) - _MOST_GAPS)


def _files(page: _Page, files: Sequence[Mapping[str, Any]]) -> None:
    page.heading("files")
    for file in files[:_MOST_FILES]:
        page.font(8)
        page.line_of(f"{file['name']}  ({file['size']:,} B)")
        page.font(7.5, mono=True)
        page.line_of(file["sha256"])
    if len(files) > _MOST_FILES:
        page.both("more", count=len(files) - _MOST_FILES)
