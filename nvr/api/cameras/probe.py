"""The connection test: what a camera is and does, found out by connecting to it for some seconds.

A process of its own looks (``python -m nvr.recorder.probe``): FFmpeg, which may read the camera, can end the process
that it runs in. The camera's settings go to it through a pipe, so that no password is in a process list.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.params import JSONBody

from nvr.api.cameras.camera_settings import SourceName, SourceSetting, checked
from nvr.api.http.errors import ApiError, no_camera
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import post
from nvr.api.http.services import Injected, Services
from nvr.config import redact
from nvr.sources import AUTO
from storage.catalogue import audit, cameras
from storage.sentences import Sentence, quoted

if TYPE_CHECKING:
    from nvr.config import CameraSettings

__all__ = ["ROUTES"]

# A probe looks for nine seconds, and ends its session.
_LONGEST_S = 30.0


class ProbeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A camera to look at: one that there is (``camera``, whose settings count), or an address with its login."""

    camera: str | None = None
    url: str | None = None
    username: str | None = None
    password: str | None = None
    audio: bool = False
    source: SourceSetting = AUTO
    transport: str = "tcp"
    login: str = "auto"
    tls: str = "pin"


class OddityBody(msgspec.Struct):
    """Something odd about a camera. ``code`` is stable; ``text`` its English, with the ``figures`` in it."""

    code: str
    text: str
    figures: dict[str, Any] = {}


class ProbeBody(msgspec.Struct):
    """What was found. ``source`` (never ``auto``) and ``transport``: how it would be read. ``keyframe_s``: the
    longest distance seen. ``cause`` and ``error``: why it ended by itself, if it did. ``picture``: JPEG in Base64."""

    url: str
    source: SourceName
    transport: str
    seconds: float
    codec: str
    profile: str
    width: int
    height: int
    frames: int
    frame_rate: float | None
    declared_frame_rate: float | None
    bitrate_bps: int | None
    keyframe_s: float | None
    clock_offset_s: float | None
    audio: str | None
    audio_packets: int
    error: str | None
    cause: str | None
    oddities: list[OddityBody]
    picture: str | None = None


def _camera(services: Services, data: ProbeRequest) -> CameraSettings:
    if (data.camera is None) == (data.url is None):
        raise ApiError("invalid_request", Sentence("name a camera or a url"))
    if data.camera is None:
        given = {key: value for key, value in msgspec.structs.asdict(data).items() if value is not None}
        return checked({**given, "id": "probe"})
    with services.db.read() as conn:
        row = cameras.find(conn, data.camera)
    if row is None:
        raise no_camera(data.camera)
    if row.locked is not None:
        raise ApiError("invalid_camera", quoted(row.locked))
    return checked({**row.settings, "id": row.id, "name": row.name, "labels": dict(row.labels)})


@post(
    "/api/probe",
    action="edit_cameras",
    scope="fleet",
    summary="Look at a camera for some seconds: what it is, what is odd about it, how it would be read",
    errors=["invalid_request", "invalid_camera", "camera_not_found", "probe_failed"],
    status=200,
    answer=ProbeBody,
)
async def probe_camera(request: ApiRequest, services: Injected, data: JSONBody[ProbeRequest]) -> Response[bytes]:
    """Records nothing. A refused login counts as any."""
    from nvr.config import to_wire

    camera = await asyncio.to_thread(_camera, services, data)

    def note() -> None:
        with services.db.write() as conn:
            audit.append(
                conn, "camera_probed", camera=data.camera, detail={"url": redact(camera.url)} if data.url else {}
            )

    await asyncio.to_thread(note)
    async with services.probe_slots:
        # Not by the loop: uvloop forks, and what Python cleans up in the fork may wait for a lock that a thread had.
        child = await asyncio.to_thread(_begin)
        try:
            wire = f"{to_wire(camera)}\n{services.db.path}\n".encode()
            said, _ = await asyncio.to_thread(child.communicate, wire, _LONGEST_S)
        except subprocess.TimeoutExpired:
            raise ApiError("probe_failed", Sentence("the look at the camera did not end in time")) from None
        finally:
            if child.returncode is None:
                child.kill()
                await asyncio.to_thread(child.wait)
    try:
        found = msgspec.json.decode(said, type=ProbeBody)
    except msgspec.DecodeError:
        raise ApiError(
            "probe_failed",
            Sentence("the look at the camera ended with {returncode} and found nothing", returncode=child.returncode),
        ) from None
    return json_answer(request, found)


def _begin() -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "nvr.recorder.probe"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


ROUTES = [probe_camera]
