"""The RTSP session: OPTIONS, DESCRIBE, SETUP, PLAY, keep-alive, TEARDOWN, over TCP interleaved (RFC 2326).

``open_session`` brings a camera to play; afterwards packets come to the handlers of the tracks. Times are seconds
unless named otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import (
    ClosedError,
    LoginError,
    NativeError,
    NoAnswerError,
    ProtocolError,
    RedirectError,
    StatusError,
    TransportError,
    UnsupportedError,
)
from nvr.recorder.sources.rtsp.connection import Connection, connect
from nvr.recorder.sources.rtsp.framing import Skim
from nvr.recorder.sources.rtsp.keep_alive import DEFAULT_TIMEOUT_S, KeepAlive, session_timeout_s
from nvr.recorder.sources.rtsp.ledger import LEDGER, words_until
from nvr.recorder.sources.rtsp.login import login_of
from nvr.recorder.sources.rtsp.message import Message
from nvr.recorder.sources.rtsp.redirects import redirected
from nvr.recorder.sources.rtsp.tls import Tls
from nvr.recorder.sources.rtsp.urls import base_url, control_url

__all__ = ["RtspSession", "RtspTrack", "Target", "open_session", "reach"]

_PORTS: Final = {"rtsp": 554, "rtsps": 322}
_MOST_REDIRECTS: Final = 3
_INTERLEAVED: Final = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
_RTPTIME: Final = re.compile(r"rtptime\s*=\s*(\d{1,10})", re.IGNORECASE)
# Aggregate control that a camera refuses: not found, not allowed, aggregate operation not allowed.
_NOT_THERE: Final = frozenset({400, 404})
_NO_AGGREGATE: Final = frozenset({404, 405, 459})


@dataclass(frozen=True, slots=True)
class Target:
    """A camera's settings, and in seconds the bound of connecting and of each answer."""

    camera: RecordedCamera
    timeout_s: float


@dataclass(slots=True)
class RtspTrack:
    """A stream that was set up. ``rtp_time`` is the timestamp at which PLAY begins, if the camera said it."""

    media: sdp.Media
    url: str
    channel: int
    rtcp_channel: int
    rtp_time: int | None = None


@dataclass(frozen=True, slots=True)
class Handlers:
    """Who gets the packets of a track. ``rtp`` and ``skim`` may keep what they are given until ``settle`` is called."""

    rtp: Callable[[memoryview], None]
    rtcp: Callable[[memoryview], None]
    skim: Skim | None = None
    settle: Callable[[], None] | None = None


MakeHandlers = Callable[[RtspTrack], Handlers]


class RtspSession:
    """A camera that plays."""

    def __init__(
        self, connection: Connection, url: str, tracks: list[RtspTrack], timeout_s: float, methods: frozenset[str]
    ):
        self.connection = connection
        self.tracks = tracks
        self.timeout_s = timeout_s
        self.no_audio = ""
        """Why there is no sound although it is wanted and the camera offers some."""
        self.url = url
        self._keeping = KeepAlive(url, methods)

    @property
    def keep_alive_s(self) -> float:
        """How often the camera must hear of us: twice within its timeout."""
        return self.timeout_s / 2

    async def keep_alive(self) -> None:
        """Notifies the camera that we are still there, by the first request that it answers. If it answers none, the
        receiver reports have to do."""
        keeping = self._keeping
        for method in keeping.attempts():
            try:
                await self.connection.request(method, self.url, keeping.wait_s(self.timeout_s))
            except NoAnswerError:
                keeping.unanswered(method)
            except ClosedError:
                # Whoever waits for the connection hears of it.
                keeping.closed(method)
                return
            except StatusError as error:
                if error.status in (401, 403):
                    keeping.login_refused()
                else:
                    keeping.refused(method)
            except NativeError:
                keeping.refused(method)
            else:
                keeping.answered(method)
                return

    def close(self) -> None:
        """Ends the session and the connection, without waiting for the camera's answer."""
        self.connection.close(("TEARDOWN", self.url))


async def open_session(target: Target, *, handlers: MakeHandlers) -> RtspSession:
    """Connects and plays. Tracks: one video, and if the camera's sound is wanted one of AAC, if there is. ``handlers``
    makes the receivers of a track's RTP and RTCP packets.

    Raises:
        UnsupportedError: only with a codec or transport that is not spoken here.
        NativeError, OSError: the camera can't be reached, refuses, or makes no sense.
    """
    camera, timeout_s = target.camera, target.timeout_s
    url, at, no_audio = camera.url, "", ""
    for _ in range(_MOST_REDIRECTS + 1):
        connection = await reach(url, camera, timeout_s, at=at)
        opening = _Opening(connection, url, timeout_s, handlers)
        try:
            opened = await opening.run(camera.audio and not no_audio)
            if isinstance(opened, RtspSession):
                opened.no_audio = no_audio or opening.no_audio
                return opened
            elsewhere = redirected(camera, url, opened, connection.address)
            url, at = elsewhere.url, elsewhere.at
        except BaseException as error:
            # Cameras allow few sessions: one that was begun is given back.
            connection.close(("TEARDOWN", url) if connection.session else None)
            if not opening.fails_with_audio(error):
                raise
            no_audio = str(error)
            continue
        connection.close()
    raise RedirectError("the camera redirects without end")


async def reach(url: str, camera: RecordedCamera, timeout_s: float, *, at: str = "") -> Connection:
    """A connection to where the URL says, with the camera's login; ``at`` this address of the host, if it is given.

    Raises:
        LoginError: the camera must not be asked now.
        NativeError, OSError: as ``connect``.
    """
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise UnsupportedError(f"addresses with {parts.scheme}:// ")
    standing = LEDGER.standing(camera)
    if standing.state == "blocked":
        raise LoginError(words_until(standing.until_us), standing.until_us)
    tls = Tls(camera) if scheme == "rtsps" else None
    port, login = parts.port or _PORTS[scheme], login_of(camera, timeout_s)
    return await connect(parts.hostname, port, timeout_s, login, tls, at=at)


class _Opening:
    """The way from a connection to a session. ``no_audio``: why there is no sound although it is wanted."""

    def __init__(self, connection: Connection, url: str, timeout_s: float, handlers: MakeHandlers) -> None:
        self._connection = connection
        self._url = url
        self._timeout_s = timeout_s
        self._handlers = handlers
        self._session_timeout_s = DEFAULT_TIMEOUT_S
        self._used: set[int] = set()
        self.no_audio = ""
        self._has_audio = False

    async def _request(self, method: str, url: str, *headers: tuple[str, str]) -> Message:
        return await self._connection.request(method, url, self._timeout_s, headers)

    async def run(self, want_audio: bool) -> RtspSession | str:
        """The session, or the URL that the camera redirects to."""
        methods = await self._options()
        answer = await self._request("DESCRIBE", self._url, ("Accept", "application/sdp"))
        if answer.status >= 300:
            return control_url(self._url, answer.get("location"))
        body = await self._connection.loose_body(self._timeout_s) if answer.lacks_length else answer.body
        description = sdp.parse(body)
        base = base_url(self._url, dict(reversed(answer.headers)))
        video = sdp.pick_video(description)
        audio = sdp.pick_audio(description) if want_audio else None
        if want_audio and audio is None:
            self.no_audio = sdp.refused_audio(description)
        track, base = await self._setup_video(base, video)
        tracks = [track]
        if audio is not None:
            tracks += await self._setup_audio(control_url(base, audio.control), audio)
        aggregate = control_url(base, description.control)
        await self._play(aggregate, tracks)
        return RtspSession(self._connection, aggregate, tracks, self._session_timeout_s, methods)

    async def _options(self) -> frozenset[str]:
        try:
            answer = await self._request("OPTIONS", self._url)
        except StatusError as error:
            if error.status in (401, 403):
                raise
            return frozenset()
        return frozenset(word.strip().upper() for line in answer.all("public") for word in line.split(","))

    async def _setup_video(self, base: str, video: sdp.Media) -> tuple[RtspTrack, str]:
        """The track, and the base that its control was right with: some cameras name a wrong one."""
        bases = (
            [base, self._url] if control_url(self._url, video.control) != control_url(base, video.control) else [base]
        )
        for at, tried in enumerate(bases):
            try:
                return await self._setup(control_url(tried, video.control), video, 0), tried
            except StatusError as error:
                if error.status not in _NOT_THERE or at == len(bases) - 1:
                    raise
        raise AssertionError(bases)

    async def _setup_audio(self, url: str, audio: sdp.Media) -> list[RtspTrack]:
        """The sound's track, unless it can't be had: the video does without."""
        self._has_audio = True
        try:
            return [await self._setup(url, audio, 1)]
        except ClosedError:
            raise
        except NativeError as error:
            self._has_audio = False
            self.no_audio = str(error)
            return []

    def fails_with_audio(self, error: BaseException) -> bool:
        """Whether a camera that did not come to play may do so without sound: it hung up when its sound was asked for,
        or refused to play both."""
        if isinstance(error, StatusError) and error.status in (401, 403):
            return False
        return self._has_audio and isinstance(error, ClosedError | NoAnswerError | StatusError)

    async def _setup(self, url: str, media: sdp.Media, number: int) -> RtspTrack:
        asked = (2 * number, 2 * number + 1)
        transport = f"RTP/AVP/TCP;unicast;interleaved={asked[0]}-{asked[1]}"
        try:
            answer = await self._request("SETUP", url, ("Transport", transport))
        except StatusError as error:
            if error.status == 461:
                raise TransportError("the camera does not send over TCP (SETUP: 461)") from None
            raise
        if answer.status >= 300:
            raise RedirectError("the camera redirects in the middle of a session")
        identity, _, parameters = answer.get("session").partition(";")
        self._connection.take_session(identity.strip())
        self._session_timeout_s = min(self._session_timeout_s, session_timeout_s(parameters))
        rtp, rtcp = self._channels(answer.get("transport"), asked)
        track = RtspTrack(media, url, rtp, rtcp)
        handlers = self._handlers(track)
        self._connection.handle(rtp, handlers.rtp, handlers.skim, handlers.settle)
        self._connection.handle(rtcp, handlers.rtcp)
        return track

    def _channels(self, transport: str, asked: tuple[int, int]) -> tuple[int, int]:
        """The channels the camera will use, whichever were asked for."""
        match = _INTERLEAVED.search(transport)
        if match is None:
            if transport and "TCP" not in transport.upper():
                raise TransportError("the camera insists on another transport than TCP")
            rtp, rtcp = asked
        else:
            rtp = int(match[1])
            rtcp = int(match[2]) if match[2] else rtp + 1
        if rtp == rtcp or max(rtp, rtcp) > 255 or {rtp, rtcp} & self._used:
            raise ProtocolError("the camera assigned impossible channels")
        self._used |= {rtp, rtcp}
        return rtp, rtcp

    async def _play(self, aggregate: str, tracks: list[RtspTrack]) -> None:
        range_ = ("Range", "npt=0.000-")
        try:
            answers = [await self._request("PLAY", aggregate, range_)]
        except StatusError as error:
            if error.status not in _NO_AGGREGATE or aggregate in [track.url for track in tracks]:
                raise
            answers = [await self._request("PLAY", track.url, range_) for track in tracks]
        if any(answer.status >= 300 for answer in answers):
            raise RedirectError("the camera redirects in the middle of a session")
        entries = [entry for answer in answers for entry in re.split(r",(?=\s*url)", answer.get("rtp-info"))]
        for track, entry in zip(tracks, entries, strict=False):
            # Entries are in the order of the tracks wherever they were seen; the URLs in them are written in too many
            # ways to compare.
            if match := _RTPTIME.search(entry):
                track.rtp_time = int(match[1]) & 0xFFFFFFFF
