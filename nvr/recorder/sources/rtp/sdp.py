"""Session descriptions (RFC 4566) as cameras write them, and the tracks in them that we can record. Pure.

Lenient in form (line ends, unknown lines, wrong numbers), strict in what counts: a codec or packetisation that we would
misread is refused.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from typing import Final

from nvr.recorder.sources.rtp.codecs import BY_ENCODING
from nvr.recorder.sources.rtp.errors import ProtocolError, UnsupportedError
from nvr.recorder.sources.rtp.units import parameter_units

__all__ = ["G711", "Aac", "Description", "Media", "parse", "pick_audio", "pick_video", "refused_audio"]

_LONGEST: Final = 1 << 16
_MOST_MEDIA: Final = 64
_MOST_SETS: Final = 64
_VIDEO_RATE: Final = 90_000
_NO_BASE64: Final = re.compile(r"[\s\"']+")

G711: Final = {"PCMU": "pcm_mulaw", "PCMA": "pcm_alaw"}
"""FFmpeg's names of the encodings of RFC 3551 4.5.14."""
# Sound that FFmpeg reads as AAC and this source does not.
_OTHER_AAC: Final = frozenset({"MP4A-LATM", "MPEG4-GENERIC"})


@dataclass(frozen=True, slots=True)
class Aac:
    """How AAC frames lie in a payload (RFC 3640 4.1): widths in bits. ``config`` is the AudioSpecificConfig."""

    config: bytes
    size_bits: int
    index_bits: int
    delta_bits: int


@dataclass(frozen=True, slots=True)
class Media:
    """One ``m=`` block. ``encoding`` is the rtpmap's, in capitals; ``parameters`` are those of ``fmtp``, names in lower
    case."""

    kind: str
    payload_type: int
    encoding: str = ""
    clock_rate: int = 0
    channels: int = 1
    control: str | None = None
    direction: str = ""
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def codec(self) -> str:
        """A name of ``CODECS``, or nothing for another one."""
        found = BY_ENCODING.get(self.encoding)
        return "" if found is None else found.name

    @property
    def parameter_sets(self) -> tuple[bytes, ...]:
        """NAL units of the ``sprop`` parameters, as they should be; without those that can't be read."""
        codec = BY_ENCODING.get(self.encoding)
        found: list[bytes] = []
        for name in () if codec is None else codec.sets_in:
            for text in self.parameters.get(name, "").split(",")[:_MOST_SETS]:
                unit = _base64(text)
                if unit:
                    found.append(unit)
        return parameter_units(self.codec, found)

    @property
    def donl(self) -> bool:
        """Whether H.265 payloads carry decoding order numbers (RFC 7798 7.1)."""
        return _number(self.parameters.get("sprop-max-don-diff", "")) not in (None, 0)

    @property
    def interleaving(self) -> int | None:
        """How many NAL units may come before one that is decoded before them (RFC 6184 8.1, RFC 7798 7.1); None if they
        come in their order."""
        if self.codec == "h264" and self.parameters.get("packetization-mode", "").strip() == "2":
            return _number(self.parameters.get("sprop-interleaving-depth", "")) or 0
        if self.codec == "hevc" and self.donl:
            return _number(self.parameters.get("sprop-depack-buf-nalus", "")) or None
        return None

    def aac(self) -> Aac:
        """How to read this AAC track.

        Raises:
            UnsupportedError: it is not AAC-hbr or AAC-lbr as RFC 3640 has it, or it has no configuration.
        """
        mode = self.parameters.get("mode", "").lower()
        if self.encoding != "MPEG4-GENERIC" or mode not in ("aac-hbr", "aac-lbr"):
            raise UnsupportedError(f"audio {self.encoding or 'of unknown kind'} {mode}".rstrip())
        try:
            config = bytes.fromhex(self.parameters.get("config", "").strip('"'))
        except ValueError:
            config = b""
        widths = [_number(self.parameters.get(name, "0")) for name in ("sizelength", "indexlength", "indexdeltalength")]
        size, index, delta = (width if width is not None else -1 for width in widths)
        if not self.clock_rate or len(config) < 2 or not 0 < size <= 16 or not 0 <= index <= 8 or not 0 <= delta <= 8:
            raise UnsupportedError("the camera describes its AAC incompletely")
        for name in (
            "ctsdeltalength",
            "dtsdeltalength",
            "randomaccessindication",
            "streamstateindication",
            "auxiliarydatasizelength",
        ):
            if _number(self.parameters.get(name, "0")) != 0:
                raise UnsupportedError(f"AAC with {name}")
        return Aac(config, size, index, delta)


@dataclass(frozen=True, slots=True)
class Description:
    """A whole description. ``control`` is that of the session: the URL for PLAY, if there is one."""

    media: tuple[Media, ...]
    control: str | None


def parse(body: bytes) -> Description:
    """Reads a description.

    Raises:
        ProtocolError: it describes no media at all.
    """
    text = body[:_LONGEST].decode("utf-8", "replace")
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in re.split(r"[\r\n\x00]+", text):
        kind, equals, value = line.strip().partition("=")
        if not equals or len(kind) != 1:
            continue
        if kind == "m":
            if len(blocks) > _MOST_MEDIA:
                break
            blocks.append([])
        blocks[-1].append((kind, value.strip()))
    media = tuple(found for block in blocks[1:] if (found := _media(block)) is not None)
    if not media:
        raise ProtocolError("the camera's session description describes no stream")
    return Description(media, _attribute(blocks[0], "control"))


def pick_video(description: Description) -> Media:
    """The first video track that can be recorded: cameras list their main stream first, and metadata is no video.

    Raises:
        UnsupportedError: there is none; says what there is instead.
    """
    videos = [media for media in description.media if media.kind == "video" and media.direction != "inactive"]
    refused: list[str] = []
    for media in videos:
        codec = BY_ENCODING.get(media.encoding)
        if codec is None:
            refused.append(f"codec {media.encoding or media.payload_type}")
        elif reason := codec.refuses(media.parameters):
            refused.append(reason)
        elif media.clock_rate != _VIDEO_RATE:
            refused.append(f"video with a clock of {media.clock_rate} Hz instead of {_VIDEO_RATE}")
        else:
            return media
    if not refused:
        raise UnsupportedError("the camera offers no video")
    raise UnsupportedError("the camera offers only video that can't be read here: " + ", ".join(refused[:4]))


def pick_audio(description: Description) -> Media | None:
    """The first audio track that can be recorded, if there is one.

    Raises:
        UnsupportedError: the only ones are AAC in a form that the ``av`` source reads.
    """
    refused: UnsupportedError | None = None
    for media in _sounds(description):
        if media.encoding in G711 and media.clock_rate and media.channels <= 2:
            return media
        try:
            media.aac()
            return media
        except UnsupportedError as error:
            # With its configuration in band (cpresent=1, or not said) FFmpeg does not read it either.
            if media.encoding in _OTHER_AAC and (
                media.encoding != "MP4A-LATM" or media.parameters.get("cpresent", "") == "0"
            ):
                refused = refused or error
    if refused is not None:
        raise refused
    return None


def refused_audio(description: Description) -> str:
    """What the sound is of which ``pick_audio`` takes none; nothing if there is no sound."""
    return ", ".join(f"{media.encoding or media.payload_type}" for media in _sounds(description)[:4])


def _sounds(description: Description) -> list[Media]:
    """What the camera sends of sound. ``sendonly`` is what it wants to be sent: a client's words for itself, as ONVIF
    has it of the back channel (ONVIF Streaming 5.3.1)."""
    return [
        media
        for media in description.media
        if media.kind == "audio" and media.direction not in ("inactive", "sendonly")
    ]


def _media(block: list[tuple[str, str]]) -> Media | None:
    words = block[0][1].split()
    if len(words) < 4:
        return None
    # Of several payload types the first one is what is sent; rtpmap and fmtp of the others do not concern us.
    payload_type = _number(words[3])
    if payload_type is None or payload_type > 127:
        return None
    encoding, clock_rate, channels = _rtpmap(block, payload_type)
    parameters: dict[str, str] = {}
    for value in _attributes(block, "fmtp"):
        number, _, rest = value.partition(" ")
        if _number(number) == payload_type:
            for pair in rest.split(";"):
                name, equals, given = pair.strip().partition("=")
                if equals:
                    parameters[name.strip().lower()] = given.strip()
    direction = next((v for k, v in block if k == "a" and v in ("sendonly", "recvonly", "inactive", "sendrecv")), "")
    kind = words[0].lower()
    control = _attribute(block, "control")
    return Media(kind, payload_type, encoding, clock_rate, channels, control, direction, parameters)


_STATIC: Final = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 26: ("JPEG", 90_000), 32: ("MPV", 90_000), 33: ("MP2T", 90_000)}


def _rtpmap(block: list[tuple[str, str]], payload_type: int) -> tuple[str, int, int]:
    for value in _attributes(block, "rtpmap"):
        number, _, rest = value.partition(" ")
        if _number(number) == payload_type:
            parts = [part.strip() for part in rest.strip().split("/")]
            rate = _number(parts[1]) if len(parts) > 1 else None
            channels = _number(parts[2]) if len(parts) > 2 else None
            return _word(parts[0]), rate or 0, channels or 1
    name, rate = _STATIC.get(payload_type, ("", 0))
    return name, rate, 1


def _attributes(block: list[tuple[str, str]], name: str) -> list[str]:
    prefix = f"{name}:"
    return [value[len(prefix) :].strip() for kind, value in block if kind == "a" and value.lower().startswith(prefix)]


def _attribute(block: list[tuple[str, str]], name: str) -> str | None:
    return next(iter(_attributes(block, name)), None)


def _word(text: str) -> str:
    return "".join(char for char in text.upper() if char.isprintable())[:32]


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _base64(text: str) -> bytes:
    # Some cameras quote it, write it with the letters for URLs, or leave the padding out.
    text = _NO_BASE64.sub("", text).replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""
