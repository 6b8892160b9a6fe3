"""What is to be known of a way to read a camera before anything of it is imported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["SourceKind"]


@dataclass(frozen=True)
class SourceKind:
    """``name``: as settings, the API and the catalogue have it; ``title``: for people.

    ``reads``: whether it can read a camera of this address over this transport (``tcp``, ``udp``).
    ``implementation``: where its class is, ``module:name``; it is made of the camera's settings and a sink, and, if it
    ``tries_transports``, the transport to ask for. A class that has ``unsupported``, ``refused_tcp``, ``silent`` and
    ``seen`` (``SelfJudging`` of ``nvr/recorder/sources/choose.py``) says itself what it can't read, and is judged by
    what it makes of a camera.
    ``is_apart``: it may end the process that it runs in, so its cameras are kept in few, in workers of their own.
    ``connection_s``: seconds of a worker that a connection may take."""

    name: str
    title: str
    reads: Callable[[str, str], bool]
    implementation: str
    connection_s: float
    is_apart: bool = False
    tries_transports: bool = False
