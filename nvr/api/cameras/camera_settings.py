"""A camera's settings as they come from a client: checked by the same rules as ``config.toml``, credentials moved out
of the URL.

Pure. Invariant: what is answered never holds a password, and a URL that was answered can be sent back unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec

from nvr.api.http.errors import ApiError
from nvr.config import redact
from nvr.config.redact import MASK
from nvr.sources import AUTO, SOURCES
from storage.catalogue.cameras import MOST_LABELS
from storage.catalogue.cameras import Camera as StoredCamera
from storage.retention.policies import Policy, Rules, resolve
from storage.secrets.sealing import SEALED
from storage.sentences import Sentence, joined

if TYPE_CHECKING:
    from nvr.config import CameraSettings

__all__ = ["CameraChange", "NewCamera", "SourceName", "SourceSetting", "changed", "checked", "stored_settings"]

# Checked with all other settings; here so that the description lists them ("extra" is what Litestar takes over).
SourceName = Annotated[str, msgspec.Meta(extra_json_schema={"extra": {"enum": [*SOURCES]}})]
"""A way to read a camera."""
SourceSetting = Annotated[str, msgspec.Meta(extra_json_schema={"extra": {"enum": [AUTO, *SOURCES]}})]
"""The same, or what leaves it to the server."""
# What has a column of its own.
_COLUMNS = ("id", "name", "labels")
_MOST = {"labels": MOST_LABELS, "redirect_hosts": 20}


class NewCamera(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A camera to add. ``live_url``: its stream for walls and phones. ``url`` may hold credentials; ``username`` and
    ``password`` are never answered. ``audio`` is off unless asked for: recording sound in public is a question of law.
    Ages and sizes are text as in the configuration file, ``"30d"`` and ``"500GB"``."""

    id: str
    url: str
    live_url: str | None = None
    name: str | msgspec.UnsetType = msgspec.UNSET
    username: str | None = None
    password: str | None = None
    labels: dict[str, str] = {}
    audio: bool = False
    source: SourceSetting = AUTO
    transport: str = "tcp"
    login: str = "auto"
    tls: str = "pin"
    redirect_hosts: list[str] = []
    expected_interval: str | None = None
    priority: int = 0
    max_age: str | None = None
    min_age: str | None = None
    max_bytes: str | None = None


class CameraChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to change of a camera; what is absent stays. A ``live_url``, ``username``, ``password`` or rule of retention
    of null removes it."""

    id: str | msgspec.UnsetType = msgspec.UNSET
    url: str | msgspec.UnsetType = msgspec.UNSET
    live_url: str | msgspec.UnsetType | None = msgspec.UNSET
    name: str | msgspec.UnsetType = msgspec.UNSET
    username: str | msgspec.UnsetType | None = msgspec.UNSET
    password: str | msgspec.UnsetType | None = msgspec.UNSET
    labels: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    audio: bool | msgspec.UnsetType = msgspec.UNSET
    source: SourceSetting | msgspec.UnsetType = msgspec.UNSET
    transport: str | msgspec.UnsetType = msgspec.UNSET
    login: str | msgspec.UnsetType = msgspec.UNSET
    tls: str | msgspec.UnsetType = msgspec.UNSET
    redirect_hosts: list[str] | msgspec.UnsetType = msgspec.UNSET
    expected_interval: str | msgspec.UnsetType | None = msgspec.UNSET
    priority: int | msgspec.UnsetType = msgspec.UNSET
    max_age: str | msgspec.UnsetType | None = msgspec.UNSET
    min_age: str | msgspec.UnsetType | None = msgspec.UNSET
    max_bytes: str | msgspec.UnsetType | None = msgspec.UNSET


def stored_settings(camera: CameraSettings) -> dict[str, Any]:
    """The settings as the catalogue's ``camera.settings`` keeps them: all but id, name and labels, secrets included, by
    the names of ``nvr.config.Camera``'s fields; what is None is left out."""
    from nvr.config import to_wire

    every: dict[str, Any] = json.loads(to_wire(camera))
    return {key: value for key, value in every.items() if key not in _COLUMNS and value is not None}


# As the configuration file has them, and as the catalogue keeps them.
_STORED_AS = {"expected_interval": "expected_interval_us", "max_age": "max_age_us", "min_age": "min_age_us"}


def checked(values: Mapping[str, Any], default: Rules | None = None) -> CameraSettings:
    """The camera that these settings describe. Its ages are checked against ``default``, the server's rules, where it
    has none of its own.

    Raises:
        ApiError: ``invalid_camera``; messages never repeat a URL or password.
    """
    # What checks settings is large; a server that is only watched needs none of it.
    from pydantic import ValidationError

    from nvr.config import CameraSettings, check_ages, explain

    try:
        camera = CameraSettings.model_validate(dict(values))
    except ValidationError as error:
        raise _refused(*((".".join(map(str, path)), wrong) for path, wrong in explain(error, CameraSettings))) from None
    # Not by the settings themselves: what is kept already must go on being recorded.
    for key, most in _MOST.items():
        if len(getattr(camera, key)) > most:
            raise _refused((key, Sentence("must have at most {most} entries; remove some", most=most)))
    own = Policy(camera.max_age_us, camera.max_bytes, camera.min_age_us)
    for key, what, advice in check_ages(camera, own if default is None else resolve(own, camera.labels, default)):
        raise _refused((key, Sentence("{what}; {advice}", what=what, advice=advice)))
    return camera


def changed(
    old: StoredCamera, change: CameraChange, default: Rules | None = None, *, sees_passwords: bool = True
) -> CameraSettings:
    """The camera after the change; ``default`` as for ``checked``. ``sees_passwords``: whoever asks may be shown what
    is kept; anybody else does not have it sent elsewhere, where they may read it.

    Raises:
        ApiError: ``invalid_camera``.
    """
    wanted = {k: v for k, v in msgspec.structs.asdict(change).items() if v is not msgspec.UNSET}
    if wanted.pop("id", old.id) != old.id:
        raise _refused(("id", Sentence("can't change: footage is kept under it; add a new camera instead")))
    url = wanted.get("url")
    for key in ("url", "live_url"):
        address = wanted.get(key)
        if address is not None and address == redact(str(old.settings.get(key) or "")):
            del wanted[key]  # the answered one came back
        elif address is not None and MASK in address:
            raise _refused((key, Sentence("holds {mask} where a secret was; write the whole URL", mask=MASK)))
    if old.locked is not None and "password" not in wanted:
        raise _refused(("password", Sentence("can't be kept as it is: {locked}", locked=old.locked)))
    if old.locked is not None and url is None:
        raise _refused(("url", Sentence("must be given with the password: what it was is sealed with the same key")))
    kept = {key: value for key, value in old.settings.items() if key != SEALED}
    if old.locked is not None:
        # It may be a stub that only says where the address led.
        kept.pop("live_url", None)
    values = {**kept, "id": old.id, "name": old.name, "labels": dict(old.labels), **wanted}
    if "://" in (url or "") and "@" in (url or "") and not {"username", "password"} & wanted.keys():
        # New credentials in a new URL take the place of the old ones.
        values.pop("username", None)
        values.pop("password", None)
    for key, stored in _STORED_AS.items():
        if key in wanted:
            # Two names of one setting must not both be there.
            values.pop(stored, None)
    new = checked({k: v for k, v in values.items() if v is not None}, default)
    is_kept = "password" not in wanted and values.get("password") is not None
    if is_kept and not sees_passwords and _goes_elsewhere(kept, stored_settings(new)):
        raise _refused(
            (
                "password",
                Sentence(
                    "must be given with another address, or another way to log in: the one that is kept would go there"
                ),
            )
        )
    return new


# Where a login goes, beside the addresses, and how much of it can be read on the way.
_GUARDS = {"login": "auto", "tls": "pin", "redirect_hosts": []}
_PORTS = {"rtsp": 554, "rtsps": 322}


def _goes_elsewhere(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether by the new settings a login goes where it did not go by the old ones, or otherwise."""
    before, after = ({_place(some[key]) for key in ("url", "live_url") if some.get(key)} for some in (old, new))
    return not after <= before or any(old.get(key, usual) != new.get(key, usual) for key, usual in _GUARDS.items())


def _place(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)


def _refused(*found: tuple[str, Sentence]) -> ApiError:
    """The error of what is wrong, by field."""
    return ApiError(
        "invalid_camera",
        joined(Sentence("{field} {wrong}", field=field, wrong=wrong) for field, wrong in found),
        extra={"errors": [{"field": field, "message": wrong} for field, wrong in found]},
    )
