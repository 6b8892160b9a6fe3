"""Configuration: reading and checking ``config.toml``, and keeping its secrets out of everything else.

What is named here is imported when it is asked for: every process redacts, few know the model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

# At once: the function has the name of its module, which the package would have in its place.
from nvr.config.redact import Redactor, redact

if TYPE_CHECKING:
    from nvr.config.camera import RecordedCamera, recorded_from_wire
    from nvr.config.checks import check_ages
    from nvr.config.errors import ConfigError, ConfigProblem
    from nvr.config.explaining import explain
    from nvr.config.loading import load
    from nvr.config.model import (
        AcmeSettings,
        AlertSettings,
        BackupSettings,
        CameraSettings,
        Config,
        DeviceSearch,
        EventRules,
        Evidence,
        FleetSettings,
        IdentityProvider,
        LoginSettings,
        Map,
        MarkKind,
        Network,
        PtzRules,
        Public,
        Retention,
        Server,
        Storage,
    )
    from nvr.config.secret import Secret
    from nvr.config.units import SpaceFloor, format_duration, format_size, parse_duration_us, parse_size_bytes
    from nvr.config.wire import from_wire, to_wire

__all__ = [
    "AcmeSettings",
    "AlertSettings",
    "BackupSettings",
    "CameraSettings",
    "Config",
    "ConfigError",
    "ConfigProblem",
    "DeviceSearch",
    "EventRules",
    "Evidence",
    "FleetSettings",
    "IdentityProvider",
    "LoginSettings",
    "Map",
    "MarkKind",
    "Network",
    "PtzRules",
    "Public",
    "RecordedCamera",
    "Redactor",
    "Retention",
    "Secret",
    "Server",
    "SpaceFloor",
    "Storage",
    "check_ages",
    "explain",
    "format_duration",
    "format_size",
    "from_wire",
    "load",
    "parse_duration_us",
    "parse_size_bytes",
    "recorded_from_wire",
    "redact",
    "to_wire",
]

_HOME: Final = {
    "LoginSettings": "model",
    "IdentityProvider": "model",
    "AcmeSettings": "model",
    "AlertSettings": "model",
    "BackupSettings": "model",
    "CameraSettings": "model",
    "Config": "model",
    "ConfigError": "errors",
    "ConfigProblem": "errors",
    "DeviceSearch": "model",
    "EventRules": "model",
    "Evidence": "model",
    "FleetSettings": "model",
    "Map": "model",
    "MarkKind": "model",
    "Network": "model",
    "PtzRules": "model",
    "Public": "model",
    "RecordedCamera": "camera",
    "Retention": "model",
    "Secret": "secret",
    "Server": "model",
    "SpaceFloor": "units",
    "Storage": "model",
    "check_ages": "checks",
    "explain": "explaining",
    "format_duration": "units",
    "format_size": "units",
    "from_wire": "wire",
    "load": "loading",
    "parse_duration_us": "units",
    "parse_size_bytes": "units",
    "recorded_from_wire": "camera",
    "to_wire": "wire",
}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return found
