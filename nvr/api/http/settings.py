"""What the API's process is told: one line of JSON on its stdin, a pipe of its own. Secret in it is what it says to
identity providers alone (``client_secret``)."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

import nvr
from nvr.federation.settings import LoginProvider
from storage.retention.policies import Rules

__all__ = ["ApiSettings"]


class ApiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``host`` and ``port`` to listen on (port 0: any free one), the ``catalogue``'s path, this server's ``node`` id,
    and the IANA ``zone`` in which the page shows times. ``secure_cookies`` ``auto`` marks a cookie Secure where the
    request came by TLS. ``roots`` (identity, path), the free space floor and ``retention``, the rules, are for previews
    of deletions. ``roots_away``: how many footage roots are missing now. ``second_person``: who asks for footage in a
    case may not approve it. ``clips_need_request``: a clip is handed out only as part of an approved request.
    ``holds_share``: percent of the disks that holds of investigators may keep. ``price_per_mbit``: rupiah a month for a
    Mbit/s of uplink, 0 if nobody said. ``streets``: a file of GeoJSON that the map draws; None: there is none.
    ``public``: whether citizens may look without a login; ``public_embed``: pages that may show that within theirs.
    ``base_path``: under which path a proxy shows this server ("" or "/nvr"); ``trusted_proxies``, addresses and
    networks, may say who asks; ``hosts`` are names of this server beside those that need no saying. ``quick_live``: for
    so many cameras that are watched live recorders are asked to be quick. ``keys`` and ``exports`` are folders,
    ``name`` the name in a certificate; None: beside the catalogue. ``web_dist`` is the folder of the built front end;
    None: the one in the package. ``segment_us``: how long segments are to be. ``certificate`` and ``key`` are files;
    with them the server speaks TLS, and sends those who speak plain HTTP to it, to ``port`` or ``redirect_port``, to
    https. ``challenges``: the folder of what an authority is answered that gives certificates; ``hsts_s``: for how long
    browsers are told to use https alone. ``scan_networks`` may be searched for devices, at ``scan_ports``,
    ``scan_rate`` addresses a second and ``scan_at_once`` devices at a time; ``follow_moves``: whether cameras follow
    them. ``ptz_cameras`` is the query of those that may be moved (empty: none), with the ``ptz_priorities`` of roles.
    ``second_factor`` are the roles that need one; ``step_up_us``: how long a proof of who somebody is is good for
    what needs one, None: as long as their session; ``expire_unused_us``: after how long an account that nobody uses is
    over, None: never. ``providers``: with whom people log in, beside here. ``name_over_picture``: for which roles
    (``*``: all) the page shows the name of who is watching, of the cameras of the query ``name_over_cameras``.
    ``in_fleet``: whether this server is one node of several."""

    catalogue: str
    node: str
    host: str = "127.0.0.1"
    port: int = 8080
    certificate: str | None = None
    key: str | None = None
    redirect_port: int | None = None
    challenges: str | None = None
    hsts_s: int = 0
    zone: str = "UTC"
    version: str = nvr.__version__
    secure_cookies: bool | Literal["auto"] = "auto"
    base_path: str = ""
    trusted_proxies: list[str] = []
    hosts: list[str] = []
    quick_live: int = 64
    web_dist: str | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    roots: list[tuple[str, str]] = []
    roots_away: int = 0
    floor_bytes: int = 0
    floor_fraction: float = 0.0
    second_person: bool = False
    clips_need_request: bool = False
    holds_share: int = 25
    price_per_mbit: int = 0
    streets: str | None = None
    public: bool = False
    public_embed: list[str] = []
    keys: str | None = None
    exports: str | None = None
    name: str = "nvr"
    segment_us: int = 300_000_000
    in_fleet: bool = False
    scan_networks: list[str] = []
    scan_ports: tuple[int, ...] = (80, 554)
    scan_rate: int = 500
    scan_at_once: int = 200
    follow_moves: bool = False
    ptz_cameras: str = ""
    ptz_priorities: dict[str, int] = {}
    second_factor: list[str] = []
    step_up_us: int | None = None
    expire_unused_us: int | None = None
    providers: list[LoginProvider] = []
    name_over_picture: list[str] = []
    name_over_cameras: str = ""
    discovery_port: int = 3702
    retention: dict[str, Any] = msgspec.field(default_factory=lambda: Rules().to_wire())
