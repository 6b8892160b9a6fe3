"""More habits of RTSP: answers with odd headers, requests that are refused at first, logins."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, ClassVar
from urllib.parse import urlsplit

from nvr.demo.rtsp import Auth, DemoRequest, Response
from tests.support.cameras.odd.camera import Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.messages import raw


@habit(
    "base-with-two-schemes",
    "Content-Base begins with rtsp://rtsp://",
    seen="icamra (go2rtc #208)",
    right="what was asked is the base where the named one is none",
)
class BaseWithTwoSchemes(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        response.headers = [
            (name, f"rtsp://{value}" if name == "Content-Base" else value) for name, value in response.headers
        ]
        return response


@habit(
    "base-of-another-host",
    "Content-Base names an address that nobody has",
    seen="cameras behind a router (MediaMTX #1650's kin)",
    right="requests go over the connection that stands",
)
class BaseOfAnotherHost(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        host = urlsplit(self.connection.server.url("/")).netloc
        return replace(request, url=request.url.replace("192.0.2.7:554", host))

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        host = urlsplit(self.connection.server.url("/")).netloc
        response.headers = [
            (name, value.replace(host, "192.0.2.7:554") if name == "Content-Base" else value)
            for name, value in response.headers
        ]
        return response


@habit(
    "empty-headers",
    "answers have headers without a value, and lines without a colon",
    seen="Amcrest, Dahua (MediaMTX #34, #368: empty header value)",
)
class EmptyHeaders(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, edits=(("CSeq:", "Cache-Control:\r\nSupported:   \r\nX-Nothing\r\nCSeq:"),))


@habit(
    "folded-headers",
    "a header goes on in the next line, which begins with a blank",
    seen="RFC 2326 4.2 allows it",
)
class FoldedHeaders(Camera):
    # FFmpeg reads by line; the relay does for it.
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, edits=((";timeout=", ";\r\n timeout="), ("OPTIONS, ", "OPTIONS,\r\n\t")))


@habit(
    "no-reason",
    "the first line of answers has a status and no words behind it",
    seen="a camera that answers RTSP/1.0 0 (MediaMTX #423)",
)
class NoReason(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return raw(response, edits=(("RTSP/1.0 200 OK", "RTSP/1.0 200"),))


@habit(
    "sequence-numbers-off",
    "answers carry the number of the request before",
    seen="cameras that count by themselves (gortsplib #437's kin)",
    right="there is one request at a time: the answer is its",
)
class SequenceNumbersOff(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        number = request.headers.get("cseq", "0")
        return raw(response, edits=((f"CSeq: {number}\r\n", f"CSeq: {int(number) - 1}\r\n"),))


@habit(
    "no-session",
    "no answer names a session",
    seen="the smallest of servers: a session is the connection",
)
class NoSession(Camera):
    own = ""

    def asked(self, request: DemoRequest) -> DemoRequest:
        return replace(request, headers={**request.headers, "session": self.own}) if self.own else request

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        for name, value in response.headers:
            if name == "Session":
                self.own = value.partition(";")[0]
        response.headers = [(name, value) for name, value in response.headers if name != "Session"]
        return response


@habit(
    "play-for-each-track",
    "PLAY for the whole is answered 459; for the track it is 200",
    seen="RFC 2326 11.3.9: aggregate operation not allowed",
)
class PlayForEachTrack(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        self.refuses = request.method == "PLAY" and not request.url.rstrip("/").endswith("trackID=0")
        return replace(request, method="OPTIONS") if self.refuses else request

    refuses = False

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        return Response(459) if self.refuses else response


@habit(
    "busy-at-first",
    "the first two times DESCRIBE is answered 503",
    seen="cameras that have just started; recorders that ask their camera first (go2rtc)",
    right="asked again after a while",
)
class BusyAtFirst(Camera):
    _asked: ClassVar[dict[tuple[int, str], int]] = {}

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        key = (id(self.connection.server), self.path)
        if request.method == "DESCRIBE":
            self._asked[key] = self._asked.get(key, 0) + 1
            if self._asked[key] <= 2:
                return Response(503)
        return response


@habit(
    "answers-nobody-asked-for",
    "every 3 s comes an answer to a request that was never made, with a body",
    seen="cameras that answer receiver reports (pjproject's and live555's lists have such)",
)
class AnswersNobodyAskedFor(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        odd = b"RTSP/1.0 200 OK\r\nCSeq: 977\r\nContent-Length: 4\r\n\r\n$\0\0\0"
        return [odd, *data] if number % 30 == 11 else data


@habit(
    "server-announces",
    "every 5 s the camera sends ANNOUNCE with a description, and GET_PARAMETER",
    seen="RFC 2326 10.3: a description that changes is announced",
)
class ServerAnnounces(Camera):
    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        if number % 50 != 20:
            return data
        body = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
        head = (
            f"ANNOUNCE * RTSP/1.0\r\nCSeq: {number}\r\nContent-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
            "\r\n"
        )
        ask = f"GET_PARAMETER * RTSP/1.0\r\nCSeq: {number + 1}\r\n\r\n"
        return [*data, head.encode() + body + ask.encode()]


@habit(
    "redirect-by-path",
    "DESCRIBE is answered 301 with a path alone",
    seen="RFC 2326 12.25 wants a whole address; HTTP's is a path as often as not",
)
class RedirectByPath(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        self.moved = self.moved or "/there" in request.url
        return replace(request, url=request.url.replace("/there", ""))

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "DESCRIBE" and not self.moved:
            return Response(301, [("Location", f"{self.path}/there")])
        return response

    moved = False


_LOGIN: dict[str, Any] = {"username": "admin", "password": "p'ss w rd,="}


class WithLogin(Camera):
    """A camera that asks for a login; a habit rewrites its challenges."""

    settings: ClassVar[dict[str, Any]] = _LOGIN

    nonce_uses: ClassVar[int | None] = None

    @classmethod
    def auth(cls) -> Auth | None:
        return Auth(**_LOGIN, nonce_uses=cls.nonce_uses)

    def login(self) -> Auth:
        """What judges this camera's requests."""
        found: Auth = self.connection.server.hooks._auth[self.path.strip("/")]  # type: ignore[attr-defined]
        return found

    def challenge(self, value: str) -> list[str]:
        """What is asked instead."""
        return [value]

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        response.headers = [
            (name, made)
            for name, value in response.headers
            for made in (self.challenge(value) if name == "WWW-Authenticate" else [value])
        ]
        return response


@habit(
    "digest-of-unknown-kind-first",
    "three challenges: Digest with SHA-512-256, Negotiate, Digest with MD5",
    seen="Axis and Hikvision offer several (RFC 7616 3.7)",
    right="the best that is known is answered",
)
class DigestOfUnknownKindFirst(WithLogin):
    def challenge(self, value: str) -> list[str]:
        return [re.sub(r"nonce=\"\w+\"", 'nonce="00"', value) + ", algorithm=SHA-512-256", "Negotiate", value]


@habit(
    "digest-with-many-words",
    'the challenge offers qop="auth,auth-int", an empty opaque, a charset and userhash=false',
    seen="RFC 7616 3.3",
)
class DigestWithManyWords(WithLogin):
    def challenge(self, value: str) -> list[str]:
        return [value.replace('qop="auth"', 'qop="auth-int,auth", opaque="", charset=UTF-8, userhash=false')]


@habit(
    "login-at-options",
    "OPTIONS is answered 401 too",
    seen="Dahua (MediaMTX #368)",
)
class LoginAtOptions(WithLogin):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "OPTIONS" and not request.headers.get("authorization"):
            return Response(401, self.login().challenges())
        return super().answer(request, response)


@habit(
    "login-at-options-once",
    "OPTIONS is answered 401 too, and each nonce serves a single request",
    seen="as login-at-options, with nonces of one use (RFC 7616 5.4)",
    right="stale=true is no refusal",
)
class LoginAtOptionsOnce(LoginAtOptions):
    nonce_uses = 1

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "OPTIONS" and request.headers.get("authorization"):
            self.login().judge(request)
        return super().answer(request, response)
