"""A relay between FFmpeg and one camera, for the ``av`` source: FFmpeg asks the relay on loopback, and the relay asks
the camera.

The relay speaks to the camera as the ``native`` source does (``native.connection``): same host of several addresses,
same TLS, same ledger of logins, same redirects. So FFmpeg has neither login nor address of a camera, and what a camera
says can send it nowhere. FFmpeg always has packets over TCP; the camera is asked for them over TCP or UDP. All relays
of a process share a thread with an event loop.

Invariants: what FFmpeg gets is written from what was understood, nothing else is passed on; only a client that knows
the relay's secret path is answered.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from nvr.config import RecordedCamera
from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.relay import udp
from nvr.recorder.sources.relay.client import Client
from nvr.recorder.sources.relay.description import can_judge, chosen_video, plainly, with_controls, without_audio
from nvr.recorder.sources.relay.loop import THREAD
from nvr.recorder.sources.relay.marks import FrameMark
from nvr.recorder.sources.relay.track import RelayedTrack
from nvr.recorder.sources.relay.video import CLOCKS, RelayedVideo
from nvr.recorder.sources.rtp import sdp
from nvr.recorder.sources.rtp.errors import (
    ClosedError,
    NativeError,
    NoAnswerError,
    ProtocolError,
    RedirectError,
    StatusError,
    TransportError,
)
from nvr.recorder.sources.rtsp.causes import cause_of
from nvr.recorder.sources.rtsp.client import RtspSession, reach
from nvr.recorder.sources.rtsp.connection import Connection
from nvr.recorder.sources.rtsp.keep_alive import DEFAULT_TIMEOUT_S, session_timeout_s
from nvr.recorder.sources.rtsp.message import Message
from nvr.recorder.sources.rtsp.redirects import redirected
from nvr.recorder.sources.rtsp.urls import base_url, control_url
from storage.causes import Cause

__all__ = ["Relay"]

log = logging.getLogger(__name__)

_AGENT: Final = "nvr (FFmpeg)"
_MOST_REDIRECTS: Final = 3
_OPEN_S: Final = 120.0
_TICK_S: Final = 0.25
_AUDIO_SHARE: Final = 0.35
# What of a request is passed on; the rest the connection to the camera knows itself.
_PASSED: Final = ("accept", "range", "require", "scale", "speed", "blocksize", "bandwidth")
_ANSWERED: Final = ("range", "rtp-info", "scale", "speed")
_ALIVE: Final = frozenset({"OPTIONS", "GET_PARAMETER", "SET_PARAMETER"})
_CHANNELS: Final = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
# Nothing there; and aggregate control that a camera refuses.
_NOT_THERE: Final = frozenset({400, 404})
_NO_AGGREGATE: Final = frozenset({404, 405, 459})


class Relay:
    """The relay of one connection. ``transport``: over which the camera is asked to send, ``tcp`` or ``udp``;
    ``audio``: whether FFmpeg is to know of the camera's audio; ``on_play`` is called once it plays, on the relays'
    thread.

    ``ended``: why it is over, once it is, if the camera or the way to it is the reason. ``refusal``: why a request was
    refused, of use only if FFmpeg has no other one to try. ``no_audio``: why there is no audio although the camera
    describes some."""

    def __init__(
        self,
        camera: RecordedCamera,
        transport: str = "tcp",
        *,
        audio: bool = True,
        on_play: Callable[[], None] = lambda: None,
    ) -> None:
        self._camera = camera
        self._transport = transport
        self._audio = audio
        self._on_play = on_play
        self._timeout_s = camera.stall_timeout_us / 1e6
        self._secret = secrets.token_urlsafe(16)
        self._urls: list[str] = []
        self._base = ""
        self._connection: Connection | None = None
        self._session: RtspSession | None = None
        self._server: asyncio.Server | None = None
        self._client: Client | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._public: frozenset[str] = frozenset()
        self._session_timeout_s = DEFAULT_TIMEOUT_S
        self._described = Message(0, "", "", "", ())
        self._media: dict[str, sdp.Media] = {}
        # What was described, and the tracks that were set up.
        self._url = camera.url
        self._set_up_urls: list[str] = []
        # By the channel of FFmpeg's reports.
        self._tracks: dict[int, RelayedTrack] = {}
        self._plays = False
        self._asked_for_audio = False
        self._error: Exception | None = None
        self._video: RelayedVideo | None = None
        self.ended: Ended | None = None
        self.refusal: Ended | None = None
        self.no_audio = ""

    # From FFmpeg's thread
    # --------------------------------------------------------------------------------------------------

    def open(self) -> str:
        """Asks the camera what it has; returns where FFmpeg can have it.

        Raises:
            Ended: the camera can't be reached, or refuses.
        """
        try:
            return THREAD.call(self._open(), _OPEN_S)
        except (OSError, NativeError) as error:
            raise cause_of(error, plays=False) from None

    def close(self) -> None:
        """Ends the connection and the session; does not wait for the camera."""
        THREAD.loop().call_soon_threadsafe(self._close)

    @property
    def fails_with_audio(self) -> str:
        """Why a camera that did not come to play may do so without its audio: it hung up when it was asked for it, or
        refused to play both; else nothing."""
        error = self._error
        if self._plays or not self._asked_for_audio or (isinstance(error, StatusError) and error.status in (401, 403)):
            return ""
        return str(error) if isinstance(error, ClosedError | NoAnswerError | StatusError) else ""

    @property
    def video(self) -> RelayedVideo | None:
        """Who puts the frames of the video together, if that can be done and it was set up."""
        return self._video

    @property
    def judges(self) -> bool:
        """Whether the frames of the video that is described can be put together here."""
        return chosen_video(self._described.body) is not None

    def pause(self) -> None:
        """Nothing has come for seconds: FFmpeg is to give out what it has."""
        THREAD.loop().call_soon_threadsafe(self._pause)

    @property
    def counts(self) -> dict[str, int]:
        """What was counted of the video's packets; names are those of storage/catalogue/counters.py."""
        return self._video.counts if self._video is not None else {}

    # On the relays' loop
    # ------------------------------------------------------------------------------------------------------

    async def _open(self) -> str:
        try:
            url = await self._describe()
            self._server = await asyncio.get_running_loop().create_server(lambda: Client(self), "127.0.0.1", 0)
        except BaseException:
            self._close()
            raise
        port = self._server.sockets[0].getsockname()[1]
        self._base = f"rtsp://127.0.0.1:{port}/{self._secret}"
        return self._place(url)

    async def _describe(self) -> str:
        """Connects, following redirects; the URL that was described at last."""
        url, at = self._camera.url, ""
        for _ in range(_MOST_REDIRECTS + 1):
            connection = self._connection = await reach(url, self._camera, self._timeout_s, at=at)
            connection.agent = _AGENT
            try:
                answer = await connection.request("OPTIONS", url, self._timeout_s)
                words = [word.strip().upper() for line in answer.all("public") for word in line.split(",")]
                self._public = frozenset(words)
            except StatusError as error:
                if error.status in (401, 403):
                    raise
            accept = ("Accept", "application/sdp")
            answer = await connection.request("DESCRIBE", url, self._timeout_s, [accept])
            if answer.status < 300:
                body = await connection.loose_body(self._timeout_s) if answer.lacks_length else answer.body
                self._described = Message(answer.status, answer.reason, "", "", answer.headers, body)
                connection.closed.add_done_callback(self._lost)
                self._url = url
                return url
            elsewhere = redirected(self._camera, url, answer.get("location"), connection.address)
            url, at = elsewhere.url, elsewhere.at
            connection.close()
        raise RedirectError("the camera redirects without end")

    def _place(self, url: str) -> str:
        """The relay's address for a camera's URL."""
        if url not in self._urls:
            self._urls.append(url)
        return f"{self._base}/{self._urls.index(url)}"

    def camera_url(self, url: str) -> str | None:
        """The camera's URL for one of the relay's; None for what is not the relay's own."""
        try:
            secret, _, number = urlsplit(url).path.strip("/").partition("/")
        except ValueError:
            return None
        if not secrets.compare_digest(secret.encode(), self._secret.encode()):
            return None
        number = number.partition("/")[0]
        return self._urls[int(number)] if number.isdigit() and int(number) < len(self._urls) else self._urls[0]

    def take(self, client: Client) -> bool:
        """Whether a client that knows the secret is the one; from then on no other is."""
        if self._client is None:
            self._client = client
            if self._server is not None:
                self._server.close()
        return self._client is client

    async def answer(self, request: Message) -> Message:
        """The answer to a request of FFmpeg's, whose URL is the camera's."""
        connection = self._connection
        assert connection is not None
        method, url = request.method, request.url
        if method in _ALIVE:
            # Whether the camera hears of us is the relay's own concern.
            return Message(
                200, "OK", "", "", (("public", ", ".join(sorted({"OPTIONS", "GET_PARAMETER", *self._public}))),)
            )
        if method == "DESCRIBE":
            return self._description(url)
        headers = [(name.title(), value) for name in _PASSED for value in request.all(name)]
        if method == "SETUP":
            kept = await self._set_up(url, headers, request.get("transport"))
        else:
            answer = await (self._ask_to_play(url, headers) if method == "PLAY" else self._ask(method, url, headers))
            kept = [(name, answer.get(name)) for name in _ANSWERED if answer.get(name)]
            if method == "PLAY":
                self._play(url)
        if connection.session:
            kept.append(("session", connection.session))
        return Message(200, "OK", "", "", tuple(kept), b"")

    def _description(self, url: str) -> Message:
        body = self._described.body if self._audio else without_audio(self._described.body)
        base = base_url(url, dict(reversed(self._described.headers)))
        try:
            for media in sdp.parse(body).media:
                self._media.setdefault(control_url(base, media.control), media)
        except ProtocolError:
            # FFmpeg may find more in it; what is lost of it is not known then.
            self._media.clear()
        body = with_controls(plainly(body), base, self._place)
        return Message(200, "OK", "", "", (("content-type", "application/sdp"),), body)

    async def _ask(self, method: str, url: str, headers: list[tuple[str, str]]) -> Message:
        assert self._connection is not None
        answer = await self._connection.request(method, url, self._timeout_s, headers)
        if answer.status >= 300:
            raise RedirectError("the camera redirects in the middle of a session")
        return answer

    async def _ask_to_play(self, url: str, headers: list[tuple[str, str]]) -> Message:
        """PLAY for the whole; for each track, where a camera wants that."""
        try:
            return await self._ask("PLAY", url, headers)
        except StatusError as error:
            if error.status not in _NO_AGGREGATE or self._set_up_urls in ([], [url]):
                raise
        answers = [await self._ask("PLAY", track, headers) for track in self._set_up_urls]
        # What is said of one track's time FFmpeg would take for all.
        return answers[0]

    # Tracks
    # ------------------------------------------------------------------------------------------------------------------

    async def _set_up(self, url: str, headers: list[tuple[str, str]], asked: str) -> list[tuple[str, str]]:
        """Sets up a track over the camera's transport; the headers for FFmpeg, which asked for channels."""
        media = self._media.get(url)
        is_audio = media is not None and media.kind == "audio"
        self._asked_for_audio |= is_audio
        match = _CHANNELS.search(asked)
        if match is None:
            raise ProtocolError("FFmpeg asked for no channels")
        channels = int(match[1]), int(match[2] or int(match[1]) + 1)
        try:
            # FFmpeg gives up after half of the time that a camera has, and then nobody knows that it was the audio.
            async with asyncio.timeout(_AUDIO_SHARE * self._timeout_s if is_audio else None):
                first, second = await self._set_up_somewhere(url, headers, channels, media)
            return [("transport", f"RTP/AVP/TCP;unicast;interleaved={first}-{second}")]
        except TimeoutError:
            raise NoAnswerError("no answer to SETUP of the audio") from None
        except StatusError as error:
            if not is_audio or error.status in (401, 403):
                raise
            # FFmpeg would give up. A track that was set up and is silent costs nothing.
            self.no_audio = str(error)
            return [("transport", f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}")]

    async def _set_up_somewhere(
        self, url: str, headers: list[tuple[str, str]], channels: tuple[int, int], media: sdp.Media | None
    ) -> tuple[int, int]:
        """At the track's address; or, if nothing is there, beside what was described: some cameras name a wrong
        base."""
        set_up = self._set_up_udp if self._transport == "udp" else self._set_up_tcp
        other = url if media is None else control_url(self._url, media.control)
        try:
            made = await set_up(url, headers, channels, media)
        except StatusError as error:
            if error.status not in _NOT_THERE or other == url:
                raise
            url = other
            made = await set_up(url, headers, channels, media)
        self._set_up_urls.append(url)
        return made

    async def _set_up_tcp(
        self, url: str, headers: list[tuple[str, str]], channels: tuple[int, int], media: sdp.Media | None
    ) -> tuple[int, int]:
        asked = f"RTP/AVP/TCP;unicast;interleaved={channels[0]}-{channels[1]}"
        answer = await self._ask("SETUP", url, [*headers, ("Transport", asked)])
        self._take_session(answer)
        transport = answer.get("transport")
        match = _CHANNELS.search(transport)
        if match is None and transport and "TCP" not in transport.upper():
            raise TransportError("the camera insists on another transport than TCP")
        # Channels that the answer does not name are those that were asked for.
        first, second = channels if match is None else (int(match[1]), int(match[2] or int(match[1]) + 1))
        if max(first, second) > 255:
            raise ProtocolError("the camera assigned impossible channels")
        track = self._track((first, second), media)
        connection = self._connection
        assert connection is not None
        if second != first:
            connection.handle(second, track.rtcp)
        connection.handle(first, track.rtp, None, track.settle)
        return first, second

    async def _set_up_udp(
        self, url: str, headers: list[tuple[str, str]], channels: tuple[int, int], media: sdp.Media | None
    ) -> tuple[int, int]:
        """To us alone, or to a group if the camera refuses that or answers so."""
        connection = self._connection
        assert connection is not None
        datagrams: udp.Datagrams | None = udp.unicast(connection.local, connection.address)
        assert datagrams is not None
        ports = "-".join(map(str, datagrams.ports))
        try:
            answer = await self._ask("SETUP", url, [*headers, ("Transport", f"RTP/AVP;unicast;client_port={ports}")])
        except StatusError as error:
            datagrams.close()
            if error.status in (401, 403):
                raise
            datagrams = None
            try:
                answer = await self._ask("SETUP", url, [*headers, ("Transport", "RTP/AVP;multicast")])
            except StatusError:
                raise error from None
        except BaseException:
            datagrams.close()
            raise
        self._take_session(answer)
        transport = answer.get("transport")
        if datagrams is None or "multicast" in transport.lower():
            if datagrams is not None:
                datagrams.close()
            datagrams = udp.multicast(connection.local, connection.address, transport)
        else:
            datagrams.answered(transport, connection.address)
        track = self._track(channels, media)
        track.datagrams = datagrams
        await datagrams.handle(track.rtp, track.rtcp, track.settle)
        return channels

    def _take_session(self, answer: Message) -> None:
        assert self._connection is not None
        identity, _, parameters = answer.get("session").partition(";")
        self._connection.take_session(identity.strip())
        self._session_timeout_s = min(self._session_timeout_s, session_timeout_s(parameters))

    def _track(self, channels: tuple[int, int], media: sdp.Media | None) -> RelayedTrack:
        assert self._client is not None
        video: RelayedVideo | None = None
        if media is not None and can_judge(media):
            video = self._video = RelayedVideo(media, FrameMark(), on_raw=self._on_raw)
        track = self._tracks[channels[1]] = RelayedTrack(channels, self._client, video)
        return track

    def _on_raw(self, reason: str) -> None:
        log.info("camera %s: FFmpeg reads what it sends as it comes: %s", self._camera.id, reason)

    def _play(self, url: str) -> None:
        assert self._connection is not None
        self._plays = True
        if self._session is None:
            self._on_play()
            self._session = RtspSession(self._connection, url, [], self._session_timeout_s, self._public)
            self._tasks = [asyncio.create_task(work) for work in (self._keep_alive(self._session), self._tick())]

    async def _keep_alive(self, session: RtspSession) -> None:
        while True:
            await asyncio.sleep(session.keep_alive_s)
            await session.keep_alive()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            for track in self._tracks.values():
                track.tick(CLOCKS.monotonic_us())

    def _pause(self) -> None:
        for track in self._tracks.values():
            track.pause()

    # FFmpeg's side
    # -----------------------------------------------------------------------------------------------------------------

    def packet(self, channel: int, data: bytes) -> None:
        """A packet of FFmpeg's, such as a receiver report."""
        track = self._tracks.get(channel)
        if track is not None and track.datagrams is not None:
            track.datagrams.report(data)
        elif self._connection is not None and self._transport == "tcp":
            self._connection.send_packet(channel, data)

    def hold(self, held: bool) -> None:
        """FFmpeg does not keep up: the camera has to wait; or no longer."""
        if self._connection is not None:
            self._connection.hold(held)

    def refused(self, error: StatusError) -> None:
        """The camera refused a request; FFmpeg may have another one."""
        self._error = error
        self.refusal = cause_of(error, plays=self._plays)

    def failed(self, error: Exception) -> None:
        """Something went wrong for good; the first reason counts."""
        if self.ended is None:
            self._error = error
            if isinstance(error, OSError | NativeError):
                self.ended = cause_of(error, plays=self._plays)
            else:
                log.error("camera %s: its relay failed: report this, with these lines", self._camera.id, exc_info=error)
                self.ended = Ended(Cause.RECORDER_CRASHED, {"error": type(error).__name__})
        if self._client is not None:
            self._client.finish()

    def _lost(self, closed: asyncio.Future[Exception]) -> None:
        for track in self._tracks.values():
            track.end()
        if self._client is not None:
            self._client.flush()
        self.failed(closed.result())

    def _close(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._server is not None:
            self._server.close()
        connection = self._connection
        if connection is not None and not connection.closed.done():
            # FFmpeg's own end is no reason.
            connection.closed.remove_done_callback(self._lost)
            url = self._session.url if self._session is not None else self._camera.url
            connection.close(("TEARDOWN", url) if connection.session else None)
        for track in self._tracks.values():
            track.close()
        if self._client is not None:
            self._client.finish()
