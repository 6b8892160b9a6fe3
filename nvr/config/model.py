"""The settings, as types: every key of ``config.toml``, its default and its bounds.

A field's name carries its unit (``max_age_us``); the key in the file doesn't (``max_age = "30d"``). What one value
alone can get wrong is checked here, what several can get wrong together in ``nvr.config.checks``. Everything is
immutable.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictInt,
    ValidationInfo,
    field_validator,
    model_validator,
)

from nvr.config.camera import secrets_of, silence_us_of
from nvr.config.errors import ConfigProblem
from nvr.config.secret import Secret
from nvr.config.units import SpaceFloor, duration, size
from nvr.config.urls import parse_camera_url
from nvr.config.zone import check_zone, server_zone
from nvr.sources import AUTO, SOURCES
from nvr.texts.words import LANGUAGES
from storage.catalogue.selection import SelectionError, parse
from storage.format.layout import NODE_ID, is_camera_id
from storage.retention.policies import LabelRule, Policy, Rules, resolve
from storage.sentences import Sentence, sentence_of
from storage.texts import TextError, one_line, wrong_in

__all__ = [
    "AcmeSettings",
    "AlertSettings",
    "BackupSettings",
    "CameraSettings",
    "Config",
    "DeviceSearch",
    "EventRules",
    "Evidence",
    "FileContext",
    "FleetSettings",
    "IdentityProvider",
    "LabelRetention",
    "LoginSettings",
    "Map",
    "MarkKind",
    "Network",
    "PtzRules",
    "Public",
    "Retention",
    "Server",
    "Settings",
    "Storage",
]

MarkKind = Literal["motion", "tamper", "picture", "signal", "input", "storage", "login", "line", "area", "other"]
"""What devices report; each is told in ``nvr.cameras.marks``."""

_S = 1_000_000
_DAY_US = 86_400 * _S


class FileContext:
    """Validation context of settings that come from a file: where relative paths begin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def _absolute(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str | Path) or not str(value) or "\0" in str(value):
        raise ValueError(Sentence('must be a path; write it in quotes, such as "data/footage"'))
    folder = info.context.folder if isinstance(info.context, FileContext) else Path.cwd()
    try:
        path = folder / Path(value).expanduser()
    except RuntimeError:
        raise ValueError(Sentence("begins with the name of an unknown user after ~; write the whole path")) from None
    # Lexically: a root may be a link to a disk that isn't mounted yet.
    return Path(os.path.normpath(path))


def _node(value: str) -> str:
    if not re.fullmatch(NODE_ID, value, re.ASCII):
        raise ValueError(Sentence("is not a node id; use 1 to 16 small letters and digits"))
    return value


def _camera_id(value: str) -> str:
    if not is_camera_id(value):
        raise ValueError(
            Sentence(
                "is not a camera id; use 1 to 63 small letters, digits and hyphens, beginning with a letter or digit"
            )
        )
    return value


def _line(value: str) -> str:
    try:
        return one_line("it", value)
    except TextError:
        raise ValueError(Sentence("must be one line of 1 to 200 printable characters; shorten or correct it")) from None


def _origin(value: str) -> str:
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?", value):
        raise ValueError(Sentence('is not the beginning of a page\'s address, such as "https://city.example"'))
    return value


def _host(value: str) -> str:
    if not value or re.search(r"[\s/@\[\]]", value):
        raise ValueError(Sentence('is not a host; write a name or an address such as "127.0.0.1", "0.0.0.0" or "::"'))
    if ":" in value:
        try:
            IPv6Address(value.partition("%")[0])
        except ValueError:
            raise ValueError(
                Sentence(
                    'has more than a host in it; write "{host}", and a port under its own key',
                    host=value.partition(":")[0],
                )
            ) from None
        return value
    if re.fullmatch(r"[\d.]+", value):
        try:
            IPv4Address(value)
        except ValueError:
            raise ValueError(
                Sentence('is not an address; write four numbers from 0 to 255, such as "127.0.0.1"')
            ) from None
    elif not re.fullmatch(r"[\w.-]+", value):
        raise ValueError(Sentence('is not a host; for all addresses of this machine write "0.0.0.0" or "::"'))
    return value


def _email(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;]+@[^\s@<>,;]+", value) or not value.isprintable():
        raise ValueError(Sentence('is not an address; write it as "name@example.org"'))
    return value


def _web_address(value: Secret) -> Secret:
    if not re.match(r"https?://[^\s/]", value.reveal()):
        raise ValueError(Sentence("is not a web address; it must begin with https:// or http://"))
    return value


def _secure_cookies(value: object) -> Literal["auto"] | bool:
    if value == "auto" or isinstance(value, bool):
        return value
    raise ValueError(Sentence('must be "auto", true or false; write one of these'))


def _source(value: str) -> str:
    known = [AUTO, *SOURCES]
    if value not in known:
        raise ValueError(f"must be one of {', '.join(map(repr, known))}; write one of these")
    return value


def _base_path(value: str) -> str:
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*", value, re.ASCII) or "/." in value:
        raise ValueError(Sentence('is no path to be under; write it as "/nvr": with a / before it and none behind'))
    if value.split("/")[1:2] in (["api"], ["assets"], ["public"], ["metrics"]):
        raise ValueError(Sentence("begins like an address of this server itself; choose another"))
    return value


def _proxy(value: str) -> str:
    try:
        found = ip_network(value)
    except ValueError:
        try:
            meant = ip_network(value, strict=False)
        except ValueError:
            raise ValueError(
                Sentence(
                    'is no address or network; write an address such as "127.0.0.1", or a network such as "10.0.0.0/24"'
                )
            ) from None
        raise ValueError(Sentence('is no address or network; write "{meant}"', meant=meant)) from None
    if found.prefixlen == 0:
        raise ValueError(Sentence("would believe everybody; name the addresses of your proxies"))
    return str(found)


def _own_host(value: str) -> str:
    text = value.strip().lower().removesuffix(".")
    if text != "*" and not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", text, re.ASCII):
        raise ValueError(
            Sentence(
                'is no name of a server; write it as "cctv.example.org" or "*.example.org", without https:// and port'
            )
        )
    return text


def _certificate_name(value: str) -> str:
    text = _own_host(value)
    if text == "*":
        raise ValueError(Sentence("must be names that people type, such as cctv.example.org"))
    return text


def _directory(value: str) -> str:
    if not re.fullmatch(r"https://[^\s/@]+/\S*", value):
        raise ValueError(Sentence("is not the address of an ACME directory; write it as https://host/path"))
    return value


def _chat(value: str) -> str:
    if not re.fullmatch(r"-?\d{1,20}|@[A-Za-z0-9_]{4,64}", value, re.ASCII):
        raise ValueError(Sentence('is no chat; write its number as "-1001234567890", or "@name" of a channel'))
    return value


def _bot_token(value: Secret) -> Secret:
    if not re.fullmatch(r"\d{1,20}:[A-Za-z0-9_-]{20,100}", value.reveal(), re.ASCII):
        raise ValueError(Sentence("is no token of a bot; copy it from BotFather, with the number before the colon"))
    return value


def _s3(value: str) -> str:
    if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[^\s?#]*)?", value, re.ASCII):
        raise ValueError(Sentence("is no place in a store; write it as s3://bucket/prefix"))
    return value.rstrip("/")


def _endpoint(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+/?", value):
        raise ValueError(Sentence("is not the address of a server; write it as https://host:port"))
    return value.rstrip("/")


AbsolutePath = Annotated[Path, BeforeValidator(_absolute)]


def _language(text: str) -> str:
    if text not in LANGUAGES:
        raise ValueError(Sentence("must be one of {known}", known=", ".join(LANGUAGES)))
    return text


Line = Annotated[str, AfterValidator(_line)]
Email = Annotated[str, AfterValidator(_email)]
Age = Annotated[int, duration("1s", "36525d")]
Bytes = Annotated[int, size("1MB")]
Floor = Annotated[SpaceFloor, PlainValidator(SpaceFloor.parse), PlainSerializer(str)]


class Settings(BaseModel):
    """What all settings have in common. In code fields go by their own names and take integers of their unit."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        hide_input_in_errors=True,
        # Recorders know cameras and no other section; what each is validated by takes a while to be made.
        defer_build=True,
    )


class Server(Settings):
    """``[server]``: the process, and how people reach it. With ``certificate`` and ``key`` it speaks TLS."""

    host: Annotated[str, AfterValidator(_host)] = "127.0.0.1"
    port: StrictInt = Field(default=8080, ge=1, le=65535)
    certificate: AbsolutePath | None = None
    key: AbsolutePath | None = None
    redirect_port: StrictInt | None = Field(default=None, ge=1, le=65535)
    workers: StrictInt = Field(default=0, ge=0, le=256)
    zone: Annotated[str, AfterValidator(check_zone)] = Field(default_factory=server_zone)
    node: Annotated[str, AfterValidator(_node)] | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secure_cookies: Annotated[Literal["auto"] | bool, PlainValidator(_secure_cookies)] = "auto"
    hsts_us: Annotated[int, duration("0s", "1000d")] | None = Field(default=None, validation_alias="hsts")

    base_path: Annotated[str, AfterValidator(_base_path)] = ""
    trusted_proxies: tuple[Annotated[str, AfterValidator(_proxy)], ...] = ()
    hosts: tuple[Annotated[str, AfterValidator(_own_host)], ...] = ()
    quick_live: StrictInt = Field(default=64, ge=0, le=10_000)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost" or self.host.lower().endswith(".localhost")

    @property
    def scheme(self) -> str:
        """``https`` with a certificate, else ``http``."""
        return "http" if self.certificate is None else "https"

    @property
    def worker_count(self) -> int:
        """How many recorder workers to start: ``workers``, or one for each core this process may use."""
        return self.workers or len(os.sched_getaffinity(0))


class AcmeSettings(Settings):
    """``[acme]``: a certificate that browsers know, from an authority that gives them to programs."""

    names: tuple[Annotated[str, AfterValidator(_certificate_name)], ...] = ()
    accept_terms: StrictBool = False
    email: Annotated[str, AfterValidator(_line)] | None = None
    directory: Annotated[str, AfterValidator(_directory)] = "https://acme-v02.api.letsencrypt.org/directory"
    ca: AbsolutePath | None = None
    dns_hook: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    dns_wait_us: Annotated[int, duration("0s", "1h")] = Field(default=30 * _S, validation_alias="dns_wait")


class Storage(Settings):
    """``[storage]``: where footage and catalogue live, and how footage is cut into files."""

    roots: Annotated[tuple[AbsolutePath, ...], Field(min_length=1)] = Field(
        default=(Path("data/footage"),), validate_default=True
    )
    catalogue: AbsolutePath = Field(default=Path("data/catalogue.sqlite"), validate_default=True)
    segment_duration_us: Annotated[int, duration("1s", "1h")] = Field(
        default=300 * _S, validation_alias="segment_duration"
    )
    segment_bytes: Bytes = 10**9
    sync_interval_us: Annotated[int, duration("100ms", "1m")] = Field(default=5 * _S, validation_alias="sync_interval")
    scrub_rate: Bytes = 20 * 10**6
    move_rate: Bytes = 50 * 10**6
    free_space_floor: Floor = SpaceFloor(5 * 10**9)
    unsynced_folders: StrictBool = False


class LabelRetention(Settings):
    """``[[retention.label]]``: for the cameras that have all labels of ``match``; of several that fit, the first."""

    match: Annotated[Mapping[Line, Line], Field(min_length=1)] = Field(examples=['{ district = "North" }'])
    max_age_us: Age | None = Field(default=None, validation_alias="max_age")
    min_age_us: Age | None = Field(default=None, validation_alias="min_age")
    max_bytes: Bytes | None = None


class Retention(Settings):
    """``[retention]``: for how long footage is kept, unless a camera or its labels say otherwise."""

    max_age_us: Age = Field(default=30 * _DAY_US, validation_alias="max_age")
    min_age_us: Age | None = Field(default=None, validation_alias="min_age")
    max_bytes: Bytes | None = None
    label_rules: tuple[LabelRetention, ...] = Field(default=(), validation_alias="label")

    @property
    def rules(self) -> Rules:
        """As ``storage`` has them."""
        labels = [
            LabelRule(dict(rule.match), Policy(rule.max_age_us, rule.max_bytes, rule.min_age_us))
            for rule in self.label_rules
        ]
        return Rules(Policy(self.max_age_us, self.max_bytes, self.min_age_us), labels)

    def of(self, camera: CameraSettings) -> Policy:
        """The policy of one camera: its own where it has one, else that of its labels, else the default."""
        return resolve(Policy(camera.max_age_us, camera.max_bytes, camera.min_age_us), camera.labels, self.rules)


class Evidence(Settings):
    """``[evidence]``: requests for footage, the exports made of them, and the keys that sign those. Folders that are
    None lie beside the catalogue."""

    second_person: StrictBool = False
    clips_need_request: StrictBool = False
    holds_share: StrictInt = Field(default=25, ge=1, le=100)
    name: Line = Field(default_factory=lambda: socket.gethostname()[:64] or "nvr")
    keys: AbsolutePath | None = None
    exports: AbsolutePath | None = None
    budget: Bytes = 200 * 10**9
    keep_us: Age = Field(default=7 * _DAY_US, validation_alias="keep")
    rate: Bytes = 100 * 10**6


def _query(value: str) -> str:
    if value:
        try:
            parse(value)
        except SelectionError as error:
            raise ValueError(sentence_of(error)) from None
    return value


class LoginSettings(Settings):
    """``[login]``: how people prove who they are, and for which roles and cameras the page shows their name over the
    picture. ``second_factor`` are roles; ``step_up`` and ``expire_unused`` None: never."""

    second_factor: tuple[Line, ...] = ()
    step_up_us: Annotated[int, duration("1m", "1d")] | None = Field(default=None, validation_alias="step_up")
    name_over_picture: tuple[Line, ...] = ()
    name_over_cameras: Annotated[str, AfterValidator(_query)] = ""
    # No session lasts as long.
    expire_unused_us: Annotated[int, duration("8d", "36525d")] | None = Field(
        default=None, validation_alias="expire_unused"
    )


def _issuer(value: str) -> str:
    found = urlsplit(value)
    local = found.hostname in ("localhost", "127.0.0.1", "::1")
    if not found.hostname or found.scheme not in (("https", "http") if local else ("https",)):
        raise ValueError(Sentence("is not an issuer; write its address as the provider says it, with https://"))
    if found.query or found.fragment or "@" in found.netloc:
        raise ValueError(Sentence("is not an issuer; leave out what follows ? or # and stands before @"))
    return value


def _provider_id(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", value, re.ASCII) or value in ("password", "passkey", "screen"):
        raise ValueError(Sentence("is not a provider's id; use 1 to 32 small letters, digits and hyphens"))
    return value


class IdentityProvider(Settings):
    """``[[provider]]``: an identity provider that people log in with (OpenID Connect). ``groups``: its groups, and the
    group here that each fills. ``new_users``: who is not known here is added. ``second_factor``: its login is one."""

    id: Annotated[str, AfterValidator(_provider_id)] = Field(examples=["city"])
    name: Line = Field(examples=["City of Semarang"])
    issuer: Annotated[str, AfterValidator(_issuer)] = Field(examples=["https://sso.example.org"])
    client_id: Line = Field(examples=["nvr"])
    client_secret: Secret | None = None
    client_secret_file: AbsolutePath | None = Field(default=None, exclude=True)
    scopes: tuple[Line, ...] = ("openid", "profile")
    username_claim: Line = "preferred_username"
    groups_claim: Line = "groups"
    groups: Mapping[Line, Line] = Field(default_factory=dict)
    new_users: StrictBool = False
    second_factor: StrictBool = False

    @property
    def secrets(self) -> tuple[str, ...]:
        """The client's secret, for a redactor to know it."""
        return () if self.client_secret is None else (self.client_secret.reveal(),)


class AlertSettings(Settings):
    """``[alerts]``: what needs a person, and how people are told."""

    camera_after_us: Annotated[int, duration("5s", "7d")] = Field(default=300 * _S, validation_alias="camera_after")
    clear_after_us: Annotated[int, duration("1s", "1h")] = Field(default=60 * _S, validation_alias="clear_after")
    fold_by: tuple[Line, ...] = ("isp", "district")
    fold_from: StrictInt = Field(default=5, ge=2, le=10_000)
    recorded_least: StrictInt = Field(default=90, ge=0, le=100)
    language: Annotated[str, AfterValidator(_language)] = "en"
    email_to: tuple[Email, ...] = ()
    email_from: Email | None = None
    smtp_host: Annotated[str, AfterValidator(_host)] | None = None
    smtp_port: StrictInt = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: Line | None = None
    smtp_password: Secret | None = None
    smtp_password_file: AbsolutePath | None = Field(default=None, exclude=True)
    telegram_token: Annotated[Secret, AfterValidator(_bot_token)] | None = None
    telegram_token_file: AbsolutePath | None = Field(default=None, exclude=True)
    telegram_chats: tuple[Annotated[str, AfterValidator(_chat)], ...] = ()
    telegram_api: Annotated[str, AfterValidator(_endpoint)] = "https://api.telegram.org"
    webhook_url: Annotated[Secret, AfterValidator(_web_address)] | None = None
    webhook_url_file: AbsolutePath | None = Field(default=None, exclude=True)
    webhook_secret: Secret | None = None
    webhook_secret_file: AbsolutePath | None = Field(default=None, exclude=True)

    @property
    def secrets(self) -> tuple[str, ...]:
        """The address of a webhook may be a secret in itself."""
        held = (self.smtp_password, self.telegram_token, self.webhook_url, self.webhook_secret)
        return tuple(secret.reveal() for secret in held if secret is not None)


def _searched(value: str) -> str:
    try:
        found = ip_network(value)
    except ValueError:
        try:
            meant = ip_network(value, strict=False)
        except ValueError:
            raise ValueError(
                Sentence('is no network; write it as "10.20.0.0/16", or as an address such as "10.20.1.7"')
            ) from None
        raise ValueError(Sentence('is no address or network; write "{meant}"', meant=meant)) from None
    if found.num_addresses > 1 << 20:
        raise ValueError(Sentence("is too large to be searched; name networks of /12 or smaller"))
    return str(found)


class DeviceSearch(Settings):
    """``[devices]``: searching networks for devices, and what may be changed on them. ``may_change`` is a query by
    labels; empty: nothing."""

    networks: tuple[Annotated[str, AfterValidator(_searched)], ...] = ()
    public_networks: StrictBool = False
    ports: Annotated[tuple[Annotated[StrictInt, Field(ge=1, le=65535)], ...], Field(min_length=1, max_length=32)] = (
        80, 554, 8000, 8080, 8899, 2020, 5000,
    )  # fmt: skip
    rate: StrictInt = Field(default=500, ge=1, le=10_000)
    at_once: StrictInt = Field(default=200, ge=1, le=2_000)
    follow_moves: StrictBool = False
    may_change: Annotated[str, AfterValidator(_query)] = ""
    time_server: Annotated[str, AfterValidator(_host)] | None = None


class PtzRules(Settings):
    """``[ptz]``: which cameras people may move (a query by labels; empty: none), and whose move counts: by role."""

    cameras: Annotated[str, AfterValidator(_query)] = ""
    priorities: Mapping[Line, Annotated[StrictInt, Field(ge=1, le=99)]] = Field(
        default_factory=lambda: {"viewer": 10, "operator": 20, "dispatcher": 30, "supervisor": 40, "admin": 40}
    )


class EventRules(Settings):
    """``[events]``: of which cameras' devices events become marks on the timeline: by kind, a query by labels."""

    kinds: Mapping[MarkKind, Annotated[str, AfterValidator(_query)]] = Field(
        default_factory=dict, examples=['{ motion = "district=Tembalang", tamper = "*" }']
    )
    rate: StrictInt = Field(default=50, ge=1, le=500)


class BackupSettings(Settings):
    """``[backup]``: copies of the catalogue, keys and configuration, and drills that prove them."""

    folder: AbsolutePath | None = None
    every_us: Annotated[int, duration("1h", "31d")] = Field(default=_DAY_US, validation_alias="every")
    keep: StrictInt = Field(default=7, ge=1, le=1_000)
    drill_every_us: Annotated[int, duration("1h", "366d")] = Field(default=7 * _DAY_US, validation_alias="drill_every")
    passphrase: Secret | None = None
    passphrase_file: AbsolutePath | None = Field(default=None, exclude=True)
    s3: Annotated[str, AfterValidator(_s3)] | None = None
    s3_endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    s3_region: Annotated[str, AfterValidator(_line)] | None = None
    s3_access_key: Annotated[str, AfterValidator(_line)] | None = None
    s3_secret_key: Secret | None = None
    s3_secret_key_file: AbsolutePath | None = Field(default=None, exclude=True)
    s3_keep: StrictInt = Field(default=30, ge=1, le=1_000)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Passphrase and key, for a redactor to know them."""
        return tuple(one.reveal() for one in (self.passphrase, self.s3_secret_key) if one is not None)


def _fleet_database(value: object, info: ValidationInfo) -> str:
    """An address of PostgreSQL, or a file of this machine."""
    if not isinstance(value, str) or not value or "\0" in value:
        raise ValueError(Sentence('must be an address, such as "postgresql://nvr@db.example/nvr", or a file'))
    if not value.startswith(("postgresql://", "postgres://")):
        if "://" in value:
            raise ValueError(Sentence('must be an address, such as "postgresql://nvr@db.example/nvr", or a file'))
        return str(_absolute(value, info))
    if re.search(r"[?&](password|passfile)=", value) or re.match(r"[a-z]+://[^/@]*:[^/@]*@", value):
        raise ValueError(Sentence("has a password in it; move it to the key password, or password_file"))
    return value


class FleetSettings(Settings):
    """``[fleet]``: several machines that record one fleet of cameras. ``database`` None: this machine is alone.
    ``capacity_mbit`` None: as much as it is given."""

    database: Annotated[str, BeforeValidator(_fleet_database)] | None = None
    password: Secret | None = None
    password_file: AbsolutePath | None = Field(default=None, exclude=True)
    site: str = Field(default="", max_length=200)
    capacity_mbit: StrictInt | None = Field(default=None, ge=1, le=10**6)
    failover: Literal["any", "site", "none"] = "any"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The database's password, for a redactor to know it."""
        return () if self.password is None else (self.password.reveal(),)


class Network(Settings):
    """``[network]``: what the cameras' lines cost."""

    price_per_mbit: StrictInt = Field(default=0, ge=0, le=10**12)


class Public(Settings):
    """``[public]``: what citizens see without a login. ``embed``: pages that may show it within theirs."""

    enabled: StrictBool = False
    embed: tuple[Annotated[str, AfterValidator(_origin)], ...] = Field(default=(), examples=["https://city.example"])


class Map(Settings):
    """``[map]``: what is drawn under the cameras on the page's map. ``streets`` is GeoJSON; None: nothing is."""

    streets: AbsolutePath | None = None


class CameraSettings(Settings):
    """``[[camera]]``: one camera. ``url`` never holds credentials: those given in it are moved to their own fields."""

    id: Annotated[str, AfterValidator(_camera_id)] = Field(examples=["gate-1"])
    name: Line = ""
    url: str = Field(examples=["rtsp://192.0.2.10/stream1"])
    live_url: str | None = Field(default=None, examples=["rtsp://192.0.2.10/stream2"])
    username: str | None = None
    password: Secret | None = None
    password_file: AbsolutePath | None = Field(default=None, exclude=True)
    labels: Mapping[Line, Line] = Field(default_factory=dict)
    audio: StrictBool = False
    source: Annotated[str, Field(strict=True), AfterValidator(_source)] = AUTO
    transport: Literal["tcp", "udp"] = "tcp"
    login: Literal["auto", "digest", "basic"] = "auto"
    tls: Literal["pin", "verify", "insecure"] = "pin"
    redirect_hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = ()
    stall_timeout_us: Annotated[int, duration("1s", "10m")] = Field(default=10 * _S, validation_alias="stall_timeout")
    expected_interval_us: Annotated[int, duration("1s", "1h")] | None = Field(
        default=None, validation_alias="expected_interval"
    )
    priority: StrictInt = Field(default=0, ge=-1000, le=1000)
    max_age_us: Age | None = Field(default=None, validation_alias="max_age")
    min_age_us: Age | None = Field(default=None, validation_alias="min_age")
    max_bytes: Bytes | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be seen: the password, and what the address holds of the kind."""
        return secrets_of(self.password, self.url, self.live_url)

    @property
    def for_watching(self) -> CameraSettings | None:
        """The stream for walls and phones, as settings of what reads it; None: it has none of its own."""
        return None if self.live_url is None else self.model_copy(update={"url": self.live_url, "audio": False})

    @property
    def silence_us(self) -> int:
        """After so long without anything a connection is given up, microseconds."""
        return silence_us_of(self.stall_timeout_us, self.expected_interval_us)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        """Moves credentials out of the URL, and names a camera without a name after its id."""
        if not isinstance(data, dict):
            return data
        own_id = data.get("id")
        data = {"name": own_id if isinstance(own_id, str) and is_camera_id(own_id) else "camera", **data}
        try:
            parts = parse_camera_url(data["url"])
        except (KeyError, TypeError, ValueError):
            return data  # the field's own validator says what is wrong
        if data.get("username") is None and data.get("password") is None and parts.username is not None:
            data |= {"url": parts.address, "username": parts.username, "password": parts.password}
        try:
            live = parse_camera_url(data["live_url"])
        except (KeyError, TypeError, ValueError):
            return data
        password = data.get("password")
        known = password.reveal() if isinstance(password, Secret) else password
        if live.username is not None and (live.username, live.password) == (data.get("username"), known):
            data |= {"live_url": live.address}
        return data

    @field_validator("url")
    @classmethod
    def _check_url(cls, value: str) -> str:
        if parse_camera_url(value).username is not None:
            raise ValueError(
                Sentence("has credentials, and so have the keys username and password; remove those in the url")
            )
        return value

    @field_validator("live_url")
    @classmethod
    def _check_live_url(cls, value: str | None) -> str | None:
        if value is not None and parse_camera_url(value).username is not None:
            raise ValueError(Sentence("has another login than url; the camera's login counts for both: remove it here"))
        return value

    @field_validator("username")
    @classmethod
    def _check_username(cls, value: str | None) -> str | None:
        if value is not None and (not value or wrong_in(value) is not None):
            raise ValueError(Sentence("must be at least one printable character; correct or remove it"))
        return value


class Config(Settings):
    """A whole configuration. ``path`` is the file it was read from; ``warnings`` is what works but should be mended."""

    server: Server = Field(default_factory=Server)
    acme: AcmeSettings = Field(default_factory=AcmeSettings)
    storage: Storage = Field(default_factory=Storage)
    retention: Retention = Field(default_factory=Retention)
    evidence: Evidence = Field(default_factory=Evidence)
    login: LoginSettings = Field(default_factory=LoginSettings)
    alerts: AlertSettings = Field(default_factory=AlertSettings)
    backup: BackupSettings = Field(default_factory=BackupSettings)
    network: Network = Field(default_factory=Network)
    devices: DeviceSearch = Field(default_factory=DeviceSearch)
    ptz: PtzRules = Field(default_factory=PtzRules)
    events: EventRules = Field(default_factory=EventRules)
    public: Public = Field(default_factory=Public)
    map: Map = Field(default_factory=Map)
    fleet: FleetSettings = Field(default_factory=FleetSettings)
    cameras: tuple[CameraSettings, ...] = Field(default=(), validation_alias="camera")
    providers: tuple[IdentityProvider, ...] = Field(default=(), validation_alias="provider")
    path: Path = Path("config.toml")
    warnings: tuple[ConfigProblem, ...] = Field(default=(), exclude=True)

    @property
    def hsts_s(self) -> int:
        """For how long browsers are told to use https alone, seconds; with ACME half a year unless something else is
        said."""
        if self.server.hsts_us is not None:
            return self.server.hsts_us // _S
        return 182 * 86_400 if self.acme.names else 0

    @property
    def tls_folder(self) -> Path:
        """Where certificates are that were made here, or given by an authority."""
        return self.storage.catalogue.parent / "tls"

    @property
    def keys_folder(self) -> Path:
        """Where the keys of exports are."""
        return self.evidence.keys or self.storage.catalogue.parent / "keys"

    @property
    def exports_folder(self) -> Path:
        """Where the server's exports are made."""
        return self.evidence.exports or self.storage.catalogue.parent / "exports"

    @property
    def secrets(self) -> tuple[str, ...]:
        """All passwords, for a redactor to know them."""
        cameras = (secret for camera in self.cameras for secret in camera.secrets)
        providers = (secret for provider in self.providers for secret in provider.secrets)
        return (*cameras, *self.alerts.secrets, *self.backup.secrets, *self.fleet.secrets, *providers)
