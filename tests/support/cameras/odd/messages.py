"""Habits of RTSP: the form of answers, addresses, logins, keep-alives."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from nvr.demo.rtsp import Auth, DemoRequest, Response
from tests.support.cameras.odd.camera import Camera, Raw
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.rtp import interleaved


def raw(response: Response, **changes: Any) -> Raw:
    """The answer as one whose bytes can be changed."""
    return Raw(response.status, list(response.headers), response.body, **changes)


@habit(
    "base-without-scheme",
    "Content-Base has neither scheme nor slashes: HOST:PORT/path/",
    seen="Anjvision (moonfire-nvr #356)",
    right="a base that begins with host and port is absolute",
)
class BaseWithoutScheme(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        host = urlsplit(self.connection.server.url("/")).netloc
        if request.method == "DESCRIBE" and response.status == 200:
            response.headers = [("Content-Base", f"{host}{self.path}/"), ("Content-Type", "application/sdp")]
        if request.method == "SETUP" and request.url != f"rtsp://{host}{self.path}/trackID=0":
            return Response(404)
        return response


@habit(
    "lower-case-headers",
    "header names are in lower case, without a blank behind the colon",
    seen="Hipcam RealServer (yellowstone #17: Content-length), HiSilicon (homebridge-foscamcamera #6: Cseq)",
)
class LowerCaseHeaders(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        names = ("CSeq", "Content-Base", "Content-Type", "Content-Length", "Session", "Transport", "Public", "RTP-Info")
        return raw(response, edits=tuple((f"{name}: ", f"{name.lower()}:") for name in names))


@habit(
    "answers-with-bare-line-ends",
    "the lines of answers end with LF alone",
    seen="no report known; FFmpeg takes any line end",
)
class AnswersWithBareLineEnds(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, edits=(("\r\n", "\n"),))


@habit(
    "blank-lines-before-answers",
    "two empty lines come before each answer",
    seen="no report known; a body with a line end more than was counted leaves one",
)
class BlankLinesBeforeAnswers(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, before=b"\r\n\r\n")


@habit(
    "session-with-blanks",
    "Session: ID ; timeout = 20 with blanks, and an id with signs in it",
    seen="RFC 2326 3.4 allows the signs; blanks as in gortsplib #437 (a blank behind CSeq)",
)
class SessionWithBlanks(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        if "session" not in request.headers:
            return request
        own = request.headers["session"].replace("$-_.+", "")
        return replace(request, headers={**request.headers, "session": own})

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        def odd(value: str) -> str:
            own, *_ = value.partition(";")
            return f"  {own}$-_.+ ; Timeout = 20 "

        response.headers = [(name, odd(value) if name == "Session" else value) for name, value in response.headers]
        return response


@habit(
    "no-timeout",
    "the session header says timeout=0",
    seen="minisatip-like servers without a timeout",
    right="it is no reason to send requests without pause",
)
class NoTimeout(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        response.headers = [
            (name, re.sub("timeout=.*", "timeout=0", value) if name == "Session" else value)
            for name, value in response.headers
        ]
        return response


@habit(
    "no-sequence-number",
    "answers carry no CSeq",
    seen="Parrot Anafi (librtsp #2: none for 0)",
)
class NoSequenceNumber(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, edits=((f"CSeq: {request.headers.get('cseq', '')}\r\n", ""),))


@habit(
    "no-content-length",
    "the description is sent without its length; the next answer follows it",
    seen="no report known; old servers that end the description with the connection",
    right="the description ends where the next answer begins",
)
class NoContentLength(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method != "DESCRIBE" or response.status != 200:
            return response
        return raw(response, edits=((f"Content-Length: {len(response.body)}\r\n", ""),))


@habit(
    "content-length-short",
    "the description's length is two bytes short: its last line end counts as none",
    seen="a description whose last line end is missing (thingino-firmware #1621)",
)
class ContentLengthShort(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method != "DESCRIBE" or response.status != 200:
            return response
        response.body = response.body.rstrip()
        return raw(response, after=b"\r\n")


@habit(
    "no-methods-named",
    "OPTIONS is answered without Public, GET_PARAMETER with 501",
    seen="no report known; RFC 2326 10.1 asks for Public",
    right="the session is kept alive in another way",
)
class NoMethodsNamed(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "OPTIONS":
            return Response(200)
        return Response(501) if request.method == "GET_PARAMETER" else response


@habit(
    "options-refused",
    "OPTIONS is answered with 551, everything else is right",
    seen="a camera that answers 551 (MediaMTX #34)",
    right="OPTIONS is no condition",
)
class OptionsRefused(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return Response(551) if request.method == "OPTIONS" else response


@habit(
    "packets-before-the-answer",
    "the first packets of the stream come before the answer to PLAY",
    seen="v4l2rtspserver in Xiaomi Dafang (Retina #46), Reolink (membrane_rtsp #54)",
)
class PacketsBeforeTheAnswer(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method != "PLAY" or response.status != 200:
            return response
        track = self.connection.tracks[0]
        early = bytes((0x80, 200, 0, 6)) + track.packetiser.ssrc.to_bytes(4) + bytes(20)
        return raw(response, before=interleaved(track.channel + 1, early))


@habit(
    "no-rtp-info",
    "PLAY is answered without Session, Range and RTP-Info",
    seen="devices reported to ZoneMinder #609",
)
class NoRtpInfo(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return Response(200) if request.method == "PLAY" and response.status == 200 else response


@habit(
    "wrong-rtp-info",
    "RTP-Info names a sequence number and a time that never come",
    seen="a camera that says rtptime=0 (Retina #64)",
    right="the packets count",
)
class WrongRtpInfo(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "PLAY" and response.status == 200:
            response.headers = [
                (name, "url=trackID=0;seq=0;rtptime=0" if name == "RTP-Info" else value)
                for name, value in response.headers
            ]
        return response


@habit(
    "negative-rtp-info",
    "RTP-Info has the stream's first time stamp as a negative number",
    seen="OMNY M5S2A (moonfire-nvr #224)",
)
class NegativeRtpInfo(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "PLAY" and response.status == 200:
            response.headers = [
                (name, re.sub(r"rtptime=(\d+)", lambda m: f"rtptime={int(m[1]) - (1 << 32)}", value))
                for name, value in response.headers
            ]
        return response


@habit(
    "blank-line-in-headers",
    "the answer to PLAY has a line of one blank among its headers",
    seen="Luma x20 (scrypted #2137)",
    right="it is a continued line, not the end of the headers",
)
class BlankLineInHeaders(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "PLAY" and response.status == 200:
            return raw(response, edits=(("RTP-Info:", " \r\nRTP-Info:"),))
        return response


@habit(
    "query-in-the-address",
    "the camera's address has a query, controls are relative to it",
    seen="Amcrest, Dahua (motion #121: /cam/realmonitor?channel=1&subtype=1)",
)
class QueryInTheAddress(Camera):
    query: ClassVar[str] = "?channel=1&subtype=0&unicast=true&proto=Onvif"

    @classmethod
    def url(cls, url: str) -> str:
        return url + cls.query

    def asked(self, request: DemoRequest) -> DemoRequest:
        path, _, query = request.url.partition("?")
        return replace(request, url=path.rstrip("/") + query.removeprefix(self.query[1:]))

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "DESCRIBE" and response.status == 200:
            base = self.connection.server.url(self.path) + self.query + "/"
            response.headers = [("Content-Base", base), ("Content-Type", "application/sdp")]
        return response


@habit(
    "no-base",
    "neither Content-Base nor Content-Location",
    seen="a camera reported to ZoneMinder #2029",
)
class NoBase(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "DESCRIBE" and response.status == 200:
            response.headers = [("Content-Type", "application/sdp")]
        return response


@habit(
    "redirect",
    "DESCRIBE is answered 302 with another path",
    seen="a server reported to go2rtc #1881, others in go2rtc #1480, janus-gateway #2195",
)
class Redirect(Camera):
    moved = False

    def asked(self, request: DemoRequest) -> DemoRequest:
        self.moved = self.moved or request.url.endswith("/live")
        return replace(request, url=request.url.replace(f"{self.path}/live", self.path))

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "DESCRIBE" and not self.moved:
            return Response(302, [("Location", self.connection.server.url(f"{self.path}/live"))])
        if request.method == "DESCRIBE":
            response.headers = [("Content-Base", self.connection.server.url(f"{self.path}/live/"))]
        return response


@habit(
    "redirect-to-itself",
    "the first DESCRIBE is answered 302 with the same address, the second 200",
    seen="no report known; RFC 2326 11.3.3",
)
class RedirectToItself(Camera):
    _redirected: ClassVar[set[tuple[int, str]]] = set()

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        camera = (id(self.connection.server), self.path)
        if request.method == "DESCRIBE" and camera not in self._redirected:
            self._redirected.add(camera)
            return Response(302, [("Location", self.connection.server.url(self.path))])
        return response


@habit(
    "server-asks",
    "every 3 s the camera sends a request of its own: OPTIONS, then SET_PARAMETER",
    seen="RFC 2326 10.1: either side may ask",
    right="it is answered, nothing is lost",
)
class ServerAsks(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if number % 30 != 15:
            return data
        method = "OPTIONS" if number % 60 == 15 else "SET_PARAMETER"
        return [*data, f"{method} * RTSP/1.0\r\nCSeq: {number}\r\n\r\n".encode()]


@habit(
    "keep-alive-unanswered",
    "GET_PARAMETER and OPTIONS are never answered while media flow; the session's timeout is 4 s",
    seen="ZLMediaKit #642, SharpRTSP #63",
    right="flowing media decide: the run goes on",
)
class KeepAliveUnanswered(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if self.playing and request.method in ("GET_PARAMETER", "OPTIONS", "SET_PARAMETER"):
            return b""
        response.headers = [
            (name, re.sub("timeout=.*", "timeout=4", value) if name == "Session" else value)
            for name, value in response.headers
        ]
        return response


@habit(
    "keep-alive-refused",
    "GET_PARAMETER is answered 454 although the session lives; the session's timeout is 4 s",
    seen="thingino #490",
    right="another method is tried; the run goes on",
)
class KeepAliveRefused(KeepAliveUnanswered):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if self.playing and request.method == "GET_PARAMETER":
            return Response(454)
        return super().answer(request, response) if request.method == "SETUP" else response


@habit(
    "keep-alive-of-another-number",
    "SET_PARAMETER is answered 400 with the number of the request before, GET_PARAMETER is not offered;"
    " the timeout is 4 s",
    seen="C520WS (Retina #133)",
    right="another method is tried; the run goes on",
)
class KeepAliveOfAnotherNumber(KeepAliveUnanswered):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "OPTIONS":
            return Response(200, [("Public", "OPTIONS, DESCRIBE, SETUP, PLAY, SET_PARAMETER, TEARDOWN")])
        if self.playing and request.method == "SET_PARAMETER":
            number = int(request.headers.get("cseq", "1"))
            return raw(Response(400), edits=((f"CSeq: {number}", f"CSeq: {number - 1}"),))
        return super().answer(request, response) if request.method == "SETUP" else response


@habit(
    "keep-alive-with-body",
    "GET_PARAMETER is answered with a body and headers nobody asked for; the session's timeout is 4 s",
    seen="RFC 2326 10.8",
)
class KeepAliveWithBody(KeepAliveUnanswered):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "GET_PARAMETER":
            return Response(200, [*response.headers, ("Content-Type", "text/parameters")], b"position: 0\r\n$\x00\x00")
        return super().answer(request, response) if request.method == "SETUP" else response


@habit(
    "other-session-for-each-track",
    "each SETUP is answered with another session id",
    seen="H264DVR (Retina #85)",
)
class OtherSessionForEachTrack(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        if "session" not in request.headers:
            return request
        own = request.headers["session"].removesuffix("7").removesuffix("-")
        return replace(request, headers={**request.headers, "session": own})

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "SETUP" and request.url.endswith("1"):
            response.headers = [
                (name, value.replace(";", "-7;") if name == "Session" else value) for name, value in response.headers
            ]
        return response


_LOGIN: dict[str, Any] = {"username": "admin", "password": "p@ss:w/rd#1%"}


@habit(
    "digest-sha-256",
    "the login asks for Digest with SHA-256",
    seen="Hikvision and its OEMs (go2rtc #2344), Shelly (go2rtc #2476)",
)
class DigestSha256(Camera):
    settings: ClassVar[dict[str, Any]] = _LOGIN
    scheme: ClassVar[dict[str, Any]] = {"algorithm": "SHA-256"}

    @classmethod
    def auth(cls) -> Auth | None:
        return Auth(**_LOGIN, **cls.scheme)


@habit(
    "digest-stale",
    "a nonce is good for two requests, then the answer is 401 with stale=true",
    seen='RFC 7616 3.3; challenges of Hikvision say stale="FALSE" (go2rtc #2344)',
    right="it is no failed login: the new nonce is used",
)
class DigestStale(DigestSha256):
    sources = ("native", "av")
    scheme: ClassVar[dict[str, Any]] = {"nonce_uses": 2}


@habit(
    "digest-in-lower-case",
    'the challenge says digest in lower case, with opaque, a domain, blanks and algorithm="MD5" in quotes',
    seen="schemes and parameters are case-insensitive (RFC 7235 2.1)",
)
class DigestInLowerCase(DigestSha256):
    scheme: ClassVar[dict[str, Any]] = {}

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        extra = ', opaque="5ccc069c403ebaf9f0171e9517f40e41" , domain="/" , algorithm="MD5"'
        response.headers = [
            (name, value.replace("Digest realm", "digest Realm") + extra if name == "WWW-Authenticate" else value)
            for name, value in response.headers
        ]
        return response


@habit(
    "basic-offered-first",
    "Basic is offered before Digest, in one header",
    seen="several challenges in one header (RFC 7235 4.1)",
)
class BasicOfferedFirst(DigestSha256):
    sources = ("native", "av")
    scheme: ClassVar[dict[str, Any]] = {"scheme": "both"}

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        offers = [value for name, value in response.headers if name == "WWW-Authenticate"]
        if offers:
            response.headers = [("WWW-Authenticate", ", ".join(reversed(offers)))]
        return response
