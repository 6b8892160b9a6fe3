"""A still: one picture of one camera with what it is, as a PNG or as a page.

Belongs here: which words stand on it. Invariant: it says when the picture was shown and of which recorded bytes it was
made, and nothing of what is seen in it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nvr.documents.pdf import Document
from nvr.documents.still import with_band
from nvr.reports.document import Reader
from nvr.texts import Formats

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["Still"]

_HIGHEST_MM: Final = 130.0


@dataclass(frozen=True, slots=True)
class Still:
    """``sha256``: of the recorded frame, hexadecimal. ``shown_us``: from when it was shown; ``asked_us``: the moment
    that was asked for. ``place``: where the camera is, if that is known."""

    picture: Image.Image
    camera: str
    name: str
    place: str
    shown_us: int
    asked_us: int
    sha256: str

    @property
    def _title(self) -> str:
        return f"{self.name} ({self.camera})" if self.name != self.camera else self.camera

    def png(self, formats: Formats) -> bytes:
        """The picture with a band below it: camera, time, zone and hash."""
        where = f"{self._title}, {self.place}" if self.place else self._title
        frame = f"{formats.say('still_frame')}: {self.sha256}"
        return with_band(self.picture, [where, formats.both(self.shown_us), frame])

    def pdf(self, reader: Reader, *, now_us: int) -> bytes:
        """A page with the PNG, what it is, and how that can be checked."""
        formats, png = reader.formats, self.png(reader.formats)
        say = formats.say
        title = f"{say('still_title')} · {self._title}"
        document = Document(
            title=title,
            language=reader.language,
            made_us=now_us,
            footer_left=f"{title} · {formats.time(self.shown_us)} · {say('server', version=reader.version)}",
            page_text=formats.words.report["page"],
            palette={},
        )
        document.head(say("still_title"), self._title)
        document.picture(png, highest_mm=_HIGHEST_MM)
        facts = [
            (say("camera"), self._title),
            (say("still_place"), self.place),
            (say("still_shown"), formats.time(self.shown_us)),
            ("UTC", formats.utc(self.shown_us)),
            (say("still_asked"), formats.both(self.asked_us)),
            (say("still_size"), f"{self.picture.width} × {self.picture.height}"),
            (say("still_frame"), self.sha256),
            (say("still_file"), hashlib.sha256(png).hexdigest()),
            (say("made"), formats.both(now_us)),
            (say("made_by"), reader.made_by),
        ]
        document.facts([(name, text) for name, text in facts if text])
        document.ln(1.5)
        document.paragraph(say("still_note"), soft=True, size=7.5)
        return document.finished()
