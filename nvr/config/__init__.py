"""Configuration: reading and checking ``config.toml``, and keeping its secrets out of everything else."""

from __future__ import annotations

from nvr.config.checks import check_ages
from nvr.config.errors import ConfigError, ConfigProblem
from nvr.config.explain import explain
from nvr.config.load import load
from nvr.config.model import (
    AcmeSettings,
    AlertSettings,
    BackupSettings,
    CameraSettings,
    Config,
    DeviceSearch,
    Evidence,
    IdentityProvider,
    LoginSettings,
    Map,
    Network,
    Public,
    Retention,
    Server,
    Storage,
)
from nvr.config.redact import Redactor, redact
from nvr.config.secret import Secret
from nvr.config.units import SpaceFloor, format_duration, format_size, parse_duration_us, parse_size_bytes
from nvr.config.wire import camera_from_wire, from_wire, to_wire

__all__ = [
    "AcmeSettings",
    "AlertSettings",
    "BackupSettings",
    "CameraSettings",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "DeviceSearch",
    "Evidence",
    "IdentityProvider",
    "LoginSettings",
    "Map",
    "Network",
    "Public",
    "Redactor",
    "Retention",
    "Secret",
    "Server",
    "SpaceFloor",
    "Storage",
    "camera_from_wire",
    "check_ages",
    "explain",
    "format_duration",
    "format_size",
    "from_wire",
    "load",
    "parse_duration_us",
    "parse_size_bytes",
    "redact",
    "to_wire",
]
