"""Routes that move cameras. A page says every 0.3 s how a camera is to move; what it no longer says is stopped by the
process that moves cameras (``nvr.devices.ptz``).

Invariant: whoever moves a camera has its lease, and an entry in the audit log is there before the camera is told.
"""

from __future__ import annotations

from litestar import Response
from litestar.params import FromPath, JSONBody

from nvr.api.devices.ptz_asking import ask_camera, check_movable, enter_ptz, halt_camera, ptz_body, take_lease
from nvr.api.devices.ptz_bodies import NewPreset, PresetBody, PresetList, PresetToCall, PtzBody, PtzMove
from nvr.api.devices.routes import language_of
from nvr.api.http.auth import principal_of
from nvr.api.http.errors import ApiError
from nvr.api.http.respond import ApiRequest, json_answer
from nvr.api.http.routing import delete, get, post
from nvr.api.http.services import Injected
from nvr.texts import say
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line

__all__ = ["ROUTES"]

_LONGEST_NAME = 64


@get(
    "/api/cameras/{camera:str}/ptz",
    action="ptz",
    scope="camera",
    summary="Whether a camera can be moved, and by whom it is",
    errors=[],
    answer=PtzBody,
)
def ptz_state(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Asks the camera nothing."""
    why = None
    try:
        check_movable(services, camera)
    except ApiError as error:
        why = say(error.sentence, language_of(request))
    return json_answer(request, ptz_body(request, services, camera, why=why))


@post(
    "/api/cameras/{camera:str}/ptz/lease",
    action="ptz",
    scope="camera",
    summary="Take a camera's lease, without moving it; whoever has it is told if it can't be had",
    errors=["ptz_off", "ptz_taken", "ptz_failed"],
    status=200,
    answer=PtzBody,
)
async def take_ptz(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Logs in to the camera, so that the first move does not wait for it."""
    await take_lease(request, services, camera, wishes=True)
    told = await ask_camera(services, camera, "open")
    return json_answer(request, ptz_body(request, services, camera, told=told))


@delete(
    "/api/cameras/{camera:str}/ptz/lease",
    action="ptz",
    scope="camera",
    summary="Give up one's lease of a camera; what moves is stopped",
    errors=["ptz_failed"],
)
async def release_ptz(request: ApiRequest, services: Injected, camera: FromPath[str]) -> None:
    """Nothing happens if who asks has none."""
    had = services.ptz.leases.release(camera, principal_of(request).actor.person, services.now_us())
    if had and services.ptz.is_moving(camera):
        await halt_camera(services, camera)


@post(
    "/api/cameras/{camera:str}/ptz/hand-over",
    action="ptz",
    scope="camera",
    summary="Hand one's lease over to who asked for it first",
    errors=["ptz_taken", "ptz_failed"],
    status=200,
    answer=PtzBody,
)
async def hand_over_ptz(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Whatever their priority."""
    if services.ptz.is_moving(camera):
        await halt_camera(services, camera)
    made = services.ptz.leases.hand_over(camera, principal_of(request).actor.person, services.now_us())
    if made is None:
        raise ApiError("ptz_taken", Sentence("there is nothing to hand over, or nobody who asked for it"))
    await enter_ptz(services, "ptz_handed_over", camera, to=made.name)
    return json_answer(request, ptz_body(request, services, camera))


@post(
    "/api/cameras/{camera:str}/ptz/move",
    action="ptz",
    scope="camera",
    summary="Move a camera for the next 0.7 s, or stop it",
    errors=["invalid_request", "ptz_off", "ptz_taken", "ptz_failed"],
    status=200,
    answer=PtzBody,
)
async def move_camera(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[PtzMove]
) -> Response[bytes]:
    """Answers when the camera is being told, not when it has moved."""
    values = (data.pan, data.tilt, data.zoom)
    if not all(-1.0 <= value <= 1.0 for value in values):
        raise ApiError("invalid_request", Sentence("pan, tilt and zoom are from -1 to 1"))
    lease = await take_lease(request, services, camera)
    if not any(values):
        told = await halt_camera(services, camera)
        return json_answer(request, ptz_body(request, services, camera, told=told))
    if services.ptz.begins(camera, lease.person):
        moved = {"pan": data.pan, "tilt": data.tilt, "zoom": data.zoom, "priority": lease.priority}
        await enter_ptz(services, "ptz_moved", camera, **moved)
    told = await ask_camera(services, camera, "move", pan=data.pan, tilt=data.tilt, zoom=data.zoom)
    return json_answer(request, ptz_body(request, services, camera, told=told))


@get(
    "/api/cameras/{camera:str}/ptz/presets",
    action="ptz",
    scope="camera",
    summary="The places that a camera has kept",
    errors=["ptz_off", "ptz_failed"],
    answer=PresetList,
)
async def list_presets(request: ApiRequest, services: Injected, camera: FromPath[str]) -> Response[bytes]:
    """Asks the camera."""
    await services.pools.quick.run(check_movable, services, camera)
    found = await ask_camera(services, camera, "presets")
    return json_answer(request, PresetList([PresetBody(*one) for one in found]))


@post(
    "/api/cameras/{camera:str}/ptz/call",
    action="ptz",
    scope="camera",
    summary="Move a camera to a place that it has kept",
    errors=["invalid_request", "ptz_off", "ptz_taken", "ptz_failed"],
    status=200,
    answer=PtzBody,
)
async def call_preset(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[PresetToCall]
) -> Response[bytes]:
    """Answers when the camera took the command."""
    preset = _line("preset", data.preset)
    await take_lease(request, services, camera)
    await enter_ptz(services, "ptz_preset_called", camera, preset=preset)
    told = await ask_camera(services, camera, "go", preset=preset)
    return json_answer(request, ptz_body(request, services, camera, told=told))


@post(
    "/api/cameras/{camera:str}/ptz/presets",
    action="ptz",
    scope="camera",
    summary="Have a camera keep the place that it shows now",
    errors=["invalid_request", "ptz_off", "ptz_taken", "ptz_failed"],
    answer=PresetBody,
)
async def keep_preset(
    request: ApiRequest, services: Injected, camera: FromPath[str], data: JSONBody[NewPreset]
) -> Response[bytes]:
    """The camera's own list is the proof."""
    name = _line("name", data.name)
    await take_lease(request, services, camera)
    await enter_ptz(services, "ptz_preset_kept", camera, name=name)
    made = await ask_camera(services, camera, "keep", name=name)
    return json_answer(request, PresetBody(*made), status=201)


@delete(
    "/api/cameras/{camera:str}/ptz/presets/{preset:str}",
    action="ptz",
    scope="camera",
    summary="Have a camera forget a place",
    errors=["invalid_request", "ptz_off", "ptz_taken", "ptz_failed"],
)
async def forget_preset(request: ApiRequest, services: Injected, camera: FromPath[str], preset: FromPath[str]) -> None:
    """By the camera's own word for it."""
    token = _line("preset", preset)
    await take_lease(request, services, camera)
    await enter_ptz(services, "ptz_preset_removed", camera, preset=token)
    await ask_camera(services, camera, "forget", preset=token)


def _line(what: str, text: str) -> str:
    try:
        return one_line(what, text, longest=_LONGEST_NAME)
    except TextError as error:
        raise ApiError("invalid_request", sentence_of(error)) from None


ROUTES: list[object] = [
    ptz_state,
    take_ptz,
    release_ptz,
    hand_over_ptz,
    move_camera,
    list_presets,
    call_preset,
    keep_preset,
    forget_preset,
]
