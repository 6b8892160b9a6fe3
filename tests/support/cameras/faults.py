"""What a scripted camera does wrong: flags, and the cameras of the catalogue of misbehaviours built from them.

Every flag is one fault; they can be combined. Frame indexes are those of the clip's video track, counted from 0.
"""

import asyncio
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from nvr.demo.rtsp import DemoRequest, HangUp, Response

GARBAGE = bytes(range(256)) * 8


@dataclass(frozen=True)
class Faults:
    """Nothing is wrong by default.

    status            method → status to answer it with, e.g. {"DESCRIBE": 404}
    mute              accepts the connection and says nothing
    garbage           bytes sent to every new connection, and nothing else
    sdp               session description to answer DESCRIBE with
    answer_delay_s    how long every answer takes
    close_after_play  closes the connection after the answer to PLAY, before any media
    close_after       frames after which the connection is closed
    stall_after       frames after which nothing more is sent; the connection stays open
    drop              (frame index, packet number) → dropped; packet None: all of the frame
    duplicate         frame indexes whose packets are all sent twice
    unanswered        methods that are never answered
    refused_while_playing, unanswered_while_playing
                      the same as status and unanswered, from PLAY on
    closes_at         methods at which the connection is closed, instead of an answer
    """

    status: Mapping[str, int] = field(default_factory=dict)
    mute: bool = False
    garbage: bytes | None = None
    sdp: str | None = None
    answer_delay_s: float = 0.0
    close_after_play: bool = False
    close_after: int | None = None
    stall_after: int | None = None
    drop: frozenset[tuple[int, int | None]] = frozenset()
    duplicate: frozenset[int] = frozenset()
    unanswered: frozenset[str] = frozenset()
    refused_while_playing: Mapping[str, int] = field(default_factory=dict)
    unanswered_while_playing: frozenset[str] = frozenset()
    closes_at: frozenset[str] = frozenset()

    async def answer(self, request: DemoRequest, response: Response) -> Response | bytes:
        """The answer to send instead of `response`; no bytes: none."""
        if self.answer_delay_s:
            await asyncio.sleep(self.answer_delay_s)  # sleep: the camera is slow
        if request.method in self.closes_at:
            raise HangUp
        playing = "session" in request.headers
        if request.method in self.unanswered or (playing and request.method in self.unanswered_while_playing):
            return b""
        if playing and request.method in self.refused_while_playing:
            return Response(self.refused_while_playing[request.method])
        if request.method in self.status:
            return Response(self.status[request.method])
        if request.method == "DESCRIBE" and self.sdp is not None and response.status == 200:
            return dataclasses.replace(response, body=self.sdp.encode())
        return response

    async def send(self, track: int, index: int, packets: list[bytes]) -> list[bytes]:
        """The RTP packets to send of a frame."""
        if self.close_after_play:
            raise HangUp
        if track != 0:
            return packets
        if self.close_after is not None and index >= self.close_after:
            raise HangUp
        if self.stall_after is not None and index >= self.stall_after:
            await asyncio.Event().wait()
        if self.drop:
            packets = [p for n, p in enumerate(packets) if not {(index, n), (index, None)} & self.drop]
        if index in self.duplicate:
            packets = [packet for packet in packets for _ in range(2)]
        return packets


GARBAGE_SDP = "this is not a session description\r\nv=nonsense\r\nm=\r\n"


def unsupported_sdp(encoding: str) -> str:
    """A description of a stream that no MP4 can hold as it is: encoding "JPEG" (payload type 26) or "VP8"."""
    number = 26 if encoding == "JPEG" else 97
    return (
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n"
        f"m=video 0 RTP/AVP {number}\r\na=rtpmap:{number} {encoding}/90000\r\na=control:trackID=0\r\n"
    )


#: The faults with which a camera can't be opened, by name.
OPENING: dict[str, Faults] = {
    "not_found": Faults(status={"DESCRIBE": 404}),
    "unavailable": Faults(status={"DESCRIBE": 503}),
    "unsupported_transport": Faults(status={"SETUP": 461}),
    "mute": Faults(mute=True),
    "garbage": Faults(garbage=GARBAGE),
    "garbage_sdp": Faults(sdp=GARBAGE_SDP),
    "jpeg": Faults(sdp=unsupported_sdp("JPEG")),
    "vp8": Faults(sdp=unsupported_sdp("VP8")),
}
