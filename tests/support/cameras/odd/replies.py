"""Siblings of the habits of answers: numbers before the answer, sessions that change their name, timeouts of words,
keep-alives that ask for a login."""

from __future__ import annotations

import asyncio
import re
from typing import ClassVar

from nvr.demo.rtsp import DemoRequest, Response
from tests.support.cameras.odd.answers import WithLogin
from tests.support.cameras.odd.camera import Camera
from tests.support.cameras.odd.habit import habit
from tests.support.cameras.odd.messages import raw

_CHALLENGE = ("WWW-Authenticate", 'Digest realm="cam", nonce="1"')


class _ShortSession(Camera):
    """A session that a client must keep alive within 4 s."""

    timeout: ClassVar[str] = "4"

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        response.headers = [
            (name, re.sub("timeout=[0-9]+", f"timeout={self.timeout}", value) if name == "Session" else value)
            for name, value in response.headers
        ]
        return response


@habit(
    "timeout-of-words",
    "the session header says timeout=none",
    seen="firmware that prints a text",
    right="as without a timeout",
)
class TimeoutOfWords(_ShortSession):
    timeout = "none"


@habit(
    "timeout-in-milliseconds",
    "the session header says timeout=60000",
    seen="firmware that counts milliseconds",
    right="a longer one than usual counts as 60 s",
)
class TimeoutInMilliseconds(_ShortSession):
    timeout = "60000"


@habit(
    "keep-alive-wants-a-login",
    "keep-alive requests are answered 401 although nobody needs a login; the session's timeout is 4 s",
    seen="as keep-alive-refused (go2rtc #1722's kin)",
    right="flowing media decides",
)
class KeepAliveWantsALogin(_ShortSession):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method in ("GET_PARAMETER", "SET_PARAMETER") or (request.method == "OPTIONS" and self.playing):
            return Response(401, [_CHALLENGE])
        return super().answer(request, response)


@habit(
    "keep-alive-refuses-the-login",
    "every keep-alive request is answered 401 with a fresh challenge, whatever login it has;"
    " the session's timeout is 4 s",
    seen="as keep-alive-wants-a-login, of a camera with a login",
    right="it is no wrong password: media flow, and the account is not locked",
)
class KeepAliveRefusesTheLogin(WithLogin):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method in ("GET_PARAMETER", "SET_PARAMETER") or (request.method == "OPTIONS" and self.playing):
            return Response(401, self.login().challenges())
        made = super().answer(request, response)
        assert isinstance(made, Response)
        made.headers = [
            (name, re.sub("timeout=[0-9]+", "timeout=4", value) if name == "Session" else value)
            for name, value in made.headers
        ]
        return made


@habit(
    "continue-first",
    "every answer comes behind a provisional one (100 Continue)",
    seen="RFC 2326 7.1.1",
    right="the final answer counts",
)
class ContinueFirst(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        number = request.headers.get("cseq", "0")
        return raw(response, before=f"RTSP/1.0 100 Continue\r\nCSeq: {number}\r\n\r\n".encode())


@habit(
    "session-renamed-by-play",
    "the answer to PLAY names another session than SETUP did",
    seen="as other-session-for-each-track (H264DVR, Retina #85)",
)
class SessionRenamedByPlay(Camera):
    def asked(self, request: DemoRequest) -> DemoRequest:
        if "session" in request.headers:
            request.headers["session"] = request.headers["session"].removesuffix("-p")
        return request

    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        if request.method == "PLAY":
            response.headers = [
                (name, value.partition(";")[0] + "-p" if name == "Session" else value)
                for name, value in response.headers
            ]
        return response


@habit(
    "redirects-in-the-middle",
    "8 s after PLAY the camera sends REDIRECT to its own address, and nothing more",
    seen="RFC 2326 10.10",
    right="connected again at once; only what was not sent is missing",
)
class RedirectsInTheMiddle(Camera):
    reconnects = True
    count = 0

    async def wire(self, number: int, data: list[bytes]) -> list[bytes]:
        self.count += 1
        if self.count == 80:
            url = self.connection.server.url(self.path)
            asked = f"REDIRECT {url} RTSP/1.0\r\nCSeq: 5\r\nLocation: {url}\r\n\r\n"
            self.connection.writer.write(b"".join(data) + asked.encode())
            await asyncio.Event().wait()
        return data


@habit(
    "attributes-in-capitals",
    "the description's attributes are written in capitals: a=RTPMAP, a=FMTP, a=CONTROL",
    seen="names of attributes are case-sensitive (RFC 4566 5.13); some cameras do not know",
)
class AttributesInCapitals(Camera):
    def describe(self, text: str) -> str:
        return re.sub(r"a=(rtpmap|fmtp|control):", lambda found: found[0].upper().replace("A=", "a="), text)


@habit(
    "old-version",
    "answers begin with RTSP/1.1, and end with a body of no bytes that is declared",
    seen="servers that count versions as HTTP does",
)
class OldVersion(Camera):
    def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        edits: tuple[tuple[str, str], ...] = (("RTSP/1.0 200", "RTSP/1.1 200"),)
        if not response.body:
            edits += (("CSeq:", "Content-Length: 0\r\nCSeq:"),)
        return raw(response, edits=edits)


@habit(
    "digest-with-quoted-quotes",
    "the challenge has an opaque with a quote, a comma and an equals sign, and a domain of two addresses",
    seen="what RFC 7616 3.3 allows in quoted strings",
)
class DigestWithQuotedQuotes(WithLogin):
    def challenge(self, value: str) -> list[str]:
        return [f'{value}, opaque="a\\"b, c=d", domain="rtsp://192.0.2.1/ /b"']
