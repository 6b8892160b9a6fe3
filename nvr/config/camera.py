"""A camera as its recorder knows it: what ``to_wire`` wrote of its settings, without what checks them.

Recorders are told of cameras by the supervisor, which has checked them; the model that did takes a tenth of a second
to import and 15 MB. Invariant: whatever ``CameraSettings`` says of these fields, this says of what ``to_wire`` wrote.
"""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from nvr.config.redact import url_secrets
from nvr.config.secret import Secret

__all__ = ["RecordedCamera", "WiredCamera", "recorded_from_wire", "secrets_of", "silence_us_of"]


class RecordedCamera(Protocol):
    """What recording needs of a camera: ``nvr.config.model.CameraSettings`` has it, and so has ``WiredCamera``. What
    the fields mean is said in the reference of the configuration."""

    @property
    def id(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def username(self) -> str | None: ...
    @property
    def password(self) -> Secret | None: ...
    @property
    def audio(self) -> bool: ...
    @property
    def source(self) -> str: ...
    @property
    def transport(self) -> str: ...
    @property
    def login(self) -> str: ...
    @property
    def tls(self) -> str: ...
    @property
    def redirect_hosts(self) -> tuple[str, ...]: ...
    @property
    def stall_timeout_us(self) -> int: ...
    @property
    def expected_interval_us(self) -> int | None: ...
    @property
    def secrets(self) -> tuple[str, ...]: ...
    @property
    def silence_us(self) -> int: ...


def secrets_of(password: Secret | None, *urls: str | None) -> tuple[str, ...]:
    """What must not be seen: the password, and what addresses hold of the kind."""
    own = () if password is None else (password.reveal(),)
    return (*own, *(secret for url in urls for secret in url_secrets(url or "")))


def silence_us_of(stall_timeout_us: int, expected_interval_us: int | None) -> int:
    """After so long without anything a connection is given up, microseconds."""
    return max(stall_timeout_us, 2 * (expected_interval_us or 0))


class WiredCamera(msgspec.Struct, frozen=True, kw_only=True):
    """See ``RecordedCamera``."""

    id: str
    url: str
    username: str | None
    password: Secret | None
    audio: bool
    source: str
    transport: str
    login: str
    tls: str
    redirect_hosts: tuple[str, ...]
    stall_timeout_us: int
    expected_interval_us: int | None
    # Of some who are told of a camera it is none of theirs.
    live_url: str | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen."""
        return secrets_of(self.password, self.url, self.live_url)

    @property
    def silence_us(self) -> int:
        """After so long without anything a connection is given up, microseconds."""
        return silence_us_of(self.stall_timeout_us, self.expected_interval_us)


def _secret(kind: type, value: Any) -> Any:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(kind)


def recorded_from_wire(text: str | bytes) -> WiredCamera:
    """The camera that ``to_wire`` wrote."""
    return msgspec.json.decode(text, type=WiredCamera, dec_hook=_secret)
