"""From ``config.toml`` to a ``Config``, or to every problem in it at once.

Sections and cameras are validated one by one, so that a mistake in one hides none in another.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from nvr.config import checks, outside_checks
from nvr.config.checks import Finding
from nvr.config.errors import ConfigError, ConfigProblem
from nvr.config.explaining import explain, unknown_key
from nvr.config.locate import Locator
from nvr.config.model import (
    AcmeSettings,
    AlertSettings,
    BackupSettings,
    CameraSettings,
    Config,
    DeviceSearch,
    EventRules,
    Evidence,
    FileContext,
    FleetSettings,
    IdentityProvider,
    LoginSettings,
    Map,
    Network,
    PtzRules,
    Public,
    Retention,
    Server,
    Settings,
    Storage,
)
from nvr.config.secret_files import resolve
from nvr.config.zone import zone_warnings

__all__ = ["load"]

_SECTIONS: dict[str, type[Settings]] = {
    "server": Server,
    "acme": AcmeSettings,
    "storage": Storage,
    "retention": Retention,
    "evidence": Evidence,
    "alerts": AlertSettings,
    "backup": BackupSettings,
    "network": Network,
    "devices": DeviceSearch,
    "ptz": PtzRules,
    "events": EventRules,
    "public": Public,
    "map": Map,
    "login": LoginSettings,
    "fleet": FleetSettings,
}
_LISTS: Final = ("camera", "provider")
_TOML_PLACE = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

S = TypeVar("S", bound=Settings)


def load(path: Path, *, strict: bool = False) -> Config:
    """The configuration in the file; relative paths in it begin at the file's folder. ``strict``: for the server
    itself, which needs every secret; else those that only it can read are stood in for.

    Raises:
        ConfigError: all problems of the file, each with its line.
    """
    path = path.absolute()
    text = _read(path)
    raw = _parse(path, text)
    reader = _Reader(path, raw, Locator(text), strict=strict)
    config = reader.config()
    if reader.problems or config is None:
        raise ConfigError(reader.problems)
    return config


def _read(path: Path) -> str:
    try:
        # Editors on Windows begin a file with a byte order mark, which TOML does not know.
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        what = "there is no such file"
        remedy = (
            "write one (every setting has a default, so an empty file will do; a camera is added with the lines "
            '[[camera]], id = "gate-1", url = "rtsp://192.0.2.10/stream1"), or name another with --config PATH'
        )
    except UnicodeDecodeError as error:
        what, remedy = f"byte {error.start} is not UTF-8", "save the file as UTF-8"
    except OSError as error:
        what, remedy = f"can't be read: {error.strerror}", "check the path and its permissions"
    raise ConfigError([ConfigProblem(path, 0, "", what, remedy)])


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message, line, column = str(error), text.count("\n") + 1, ""
        if match := _TOML_PLACE.fullmatch(message):
            message = match[1]
            line, column = (int(match[2]), f" at column {match[3]}") if match[2] else (line, " at the end of the file")
        lines = text.split("\n")
        written = lines[line - 1] if line <= len(lines) else ""
        remedy = "correct this line"
        if "\0" in text:
            remedy = "save the file as UTF-8: it holds zero bytes, as UTF-16 does"
        elif found := _CURLY.search(written):
            remedy = f'write straight quotes ("), not {found[0]}, as word processors put them'
        raise ConfigError([ConfigProblem(path, line, "", f"not valid TOML: {message}{column}", remedy)]) from None


# Quotation marks that TOML does not know.
_CURLY: Final = re.compile("[\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb]")


class _Reader:
    """One reading of one document: collects problems while it builds."""

    def __init__(self, path: Path, raw: dict[str, Any], locator: Locator, *, strict: bool) -> None:
        self._path = path
        self._raw = raw
        self._locator = locator
        self._context = FileContext(path.parent)
        self._raw_cameras: list[dict[str, Any]] = []
        self._raw_providers: list[dict[str, Any]] = []
        self._strict = strict
        self._secret_warnings: list[Finding] = []
        self._plain: list[tuple[str | int, ...]] = []
        self.problems: list[ConfigProblem] = []

    def config(self) -> Config | None:
        """The configuration, or None if there were problems."""
        self._check_sections()
        server = self._section("server", Server)
        acme = self._section("acme", AcmeSettings)
        storage = self._section("storage", Storage)
        retention = self._section("retention", Retention)
        evidence = self._section("evidence", Evidence)
        login = self._section("login", LoginSettings)
        alerts = self._section("alerts", AlertSettings)
        backup = self._section("backup", BackupSettings)
        network = self._section("network", Network)
        devices = self._section("devices", DeviceSearch)
        ptz = self._section("ptz", PtzRules)
        events = self._section("events", EventRules)
        public = self._section("public", Public)
        drawn = self._section("map", Map)
        fleet = self._section("fleet", FleetSettings)
        cameras = self._cameras()
        providers = self._listed("provider", self._raw_providers, IdentityProvider)
        if server is not None:
            self._report(checks.check_server(server, has_acme=bool(acme and acme.names)))
        if acme is not None and server is not None:
            self._report(outside_checks.check_acme(acme, server))
        if storage is not None:
            self._report(checks.check_storage(storage))
        if retention is not None:
            self._report(checks.check_retention(retention))
        if alerts is not None:
            self._report(outside_checks.check_alerts(alerts))
        if backup is not None and storage is not None:
            self._report(outside_checks.check_backup(backup, storage))
        if devices is not None:
            self._report(outside_checks.check_devices(devices))
        self._report(checks.check_ids(self._raw_cameras))
        self._report(checks.check_providers(self._raw_providers))
        self._report(checks.check_cameras(cameras, retention))
        rest = (retention, evidence, login, alerts, backup, network, devices, ptz, events, public, drawn, fleet)
        if self.problems or None in (server, acme, storage, *rest):
            return None
        assert server and acme and storage and retention and evidence and login and alerts and backup
        assert network and devices and ptz and events and public and drawn and fleet
        is_given = "zone" in self._raw.get("server", {})
        beside = storage.catalogue.parent
        if acme.names:
            # One file: the certificate, those it follows from, and its key.
            pair = beside / "tls" / "acme.pem"
            hosts = (*server.hosts, *(name for name in acme.names if name not in server.hosts))
            server = server.model_copy(update={"certificate": pair, "key": pair, "hosts": hosts})
        folders = {"keys": evidence.keys or beside / "keys", "exports": evidence.exports or beside / "exports"}
        warnings = [
            *checks.warn_mode(self._path, self._plain),
            *self._secret_warnings,
            *checks.warn_plain(self._plain),
            *checks.warn_server(server),
            *outside_checks.warn_acme(acme, server),
            *checks.warn_storage(storage),
            *checks.warn_folders(storage, folders),
            *checks.warn_cameras(self._raw_cameras, cameras),
            *checks.warn_same_urls(cameras),
            *((("server", "zone"), *said) for said in zone_warnings(server.zone, is_given=is_given)),
        ]
        return Config(
            server=server,
            acme=acme,
            storage=storage,
            retention=retention,
            evidence=evidence,
            login=login,
            alerts=alerts,
            backup=backup,
            network=network,
            devices=devices,
            ptz=ptz,
            events=events,
            public=public,
            map=drawn,
            fleet=fleet,
            cameras=tuple(cameras.values()),
            providers=tuple(providers.values()),
            path=self._path,
            warnings=tuple(self._problem(finding) for finding in warnings),
        )

    def _report(self, findings: Iterable[Finding]) -> None:
        self.problems += [self._problem(finding) for finding in findings]

    def _problem(self, finding: Finding) -> ConfigProblem:
        path, what, remedy = finding
        return ConfigProblem(self._path, self._locator.line(path), self._name(path), str(what), str(remedy))

    def _name(self, path: tuple[str | int, ...]) -> str:
        """The path as a person would say it: ``camera[gate-1].url``, ``storage.roots[2]``; numbers count from 1."""
        name = ""
        for position, part in enumerate(path):
            if isinstance(part, str):
                name += f".{part}" if name else part
            elif position == 1 and path[0] in _LISTS and part < len(self._raw_of(path[0])):
                own_id = self._raw_of(path[0])[part].get("id")
                name += f"[{own_id}]" if isinstance(own_id, str) and own_id.isprintable() else f"[{part + 1}]"
            else:
                name += f"[{part + 1}]"
        return name

    def _raw_of(self, name: str | int) -> list[dict[str, Any]]:
        return self._raw_cameras if name == "camera" else self._raw_providers

    def _check_sections(self) -> None:
        for key, value in self._raw.items():
            if key in _SECTIONS:
                continue
            if key not in _LISTS:
                kind = "section" if isinstance(value, dict | list) else "key"
                self._report([((key,), *unknown_key(key, [*_SECTIONS, *_LISTS], kind))])
            elif isinstance(value, dict):
                self._report([((key,), "is a single table", f"write [[{key}]], in double brackets, for each {key}")])
            elif not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
                self._report([((key,), "must be tables", f"write [[{key}]] and its keys on lines of their own")])
            else:
                self._raw_of(key).extend(value)

    def _section(self, name: str, model: type[S]) -> S | None:
        raw = self._raw.get(name, {})
        if isinstance(raw, dict):
            return self._validate((name,), raw, model)
        self._report([((name,), "must be a table", f"write [{name}] and its keys on lines of their own")])
        return None

    def _cameras(self) -> dict[int, CameraSettings]:
        """The cameras without a mistake of their own, by their index in the file."""
        return self._listed("camera", self._raw_cameras, CameraSettings)

    def _listed(self, name: str, raws: list[dict[str, Any]], model: type[S]) -> dict[int, S]:
        """As ``_cameras``, of the tables of a list."""
        found = {i: self._validate((name, i), raw, model) for i, raw in enumerate(raws)}
        return {i: one for i, one in found.items() if one is not None}

    def _validate(self, place: tuple[str | int, ...], raw: Mapping[str, Any], model: type[S]) -> S | None:
        """The section; with mistakes in it, what is left of it for the checks to compare, or None."""
        secrets = resolve(raw, model, self._path.parent, strict=self._strict)
        self._report(((*place, key), what, remedy) for key, what, remedy in secrets.wrong)
        self._secret_warnings += [((*place, key), what, remedy) for key, what, remedy in secrets.warnings]
        self._plain += [(*place, key) for key in secrets.plain]
        raw = secrets.values
        try:
            return self._build(raw, model)
        except ValidationError as error:
            problems = list(explain(error, model))
        for path, text in problems:
            what, _, remedy = str(text).partition("; ")
            self._report([((*place, *path), what, remedy)])
        wrong = {str(path[0]) for path, _ in problems if path}
        if wrong & checks.COMPARED.get(model, frozenset()):
            return None
        try:
            return self._build({key: value for key, value in raw.items() if key not in wrong}, model)
        except ValidationError:
            return None

    def _build(self, raw: Mapping[str, Any], model: type[S]) -> S:
        return model.model_validate(raw, context=self._context, by_alias=True, by_name=False)
