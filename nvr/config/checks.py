"""What settings can only get wrong together: paths in one another, ids given twice, promises that contradict. Pure but
for asking the file system what a path is.

Each check yields path in the document, what is wrong, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from nvr.config.model import (
    AlertSettings,
    CameraSettings,
    DeviceSearch,
    Retention,
    Server,
    Settings,
    Storage,
)
from nvr.config.units import format_duration
from nvr.config.urls import parse_camera_url
from storage.retention.policies import Policy
from storage.sentences import Sentence

__all__ = [
    "COMPARED",
    "Finding",
    "check_ages",
    "check_cameras",
    "check_ids",
    "check_providers",
    "check_retention",
    "check_server",
    "check_storage",
    "warn_cameras",
    "warn_folders",
    "warn_mode",
    "warn_plain",
    "warn_same_urls",
    "warn_server",
    "warn_storage",
]

Finding = tuple[tuple[str | int, ...], str | Sentence, str | Sentence]

_LEAST_SYNC_US: Final = 3_000_000
_LISTED: Final = 10
# The keys that the checks of a section compare. Where one of them is wrong by itself, comparing would mislead.
COMPARED: dict[type[Settings], frozenset[str]] = {
    Server: frozenset({"port", "certificate", "key", "redirect_port"}),
    Storage: frozenset({"roots", "catalogue"}),
    Retention: frozenset({"max_age", "min_age"}),
    AlertSettings: frozenset(
        {
            "email_to",
            "email_from",
            "smtp_host",
            "smtp_username",
            "smtp_password",
            "webhook_url",
            "webhook_secret",
            "telegram_chats",
            "telegram_token",
        }
    ),
    DeviceSearch: frozenset({"networks", "public_networks"}),
    CameraSettings: frozenset({"url", "username", "password", "max_age", "min_age"}),
}


def check_storage(storage: Storage) -> Iterator[Finding]:
    """Roots must be apart from each other and from the catalogue: retention may empty any root."""
    real = [root.resolve() for root in storage.roots]
    for (i, first), (j, second) in combinations(enumerate(real), 2):
        place = ("storage", "roots", j)
        if first == second:
            yield place, f"is the same folder as root {i + 1}", "remove one of them"
        elif first in second.parents:
            yield place, f"lies inside root {i + 1}", "use folders that don't contain each other"
        elif second in first.parents:
            yield place, f"contains root {i + 1}", "use folders that don't contain each other"
    catalogue = storage.catalogue.resolve()
    for i, root in enumerate(real):
        if root == catalogue or root in catalogue.parents:
            yield (
                ("storage", "catalogue"),
                f"lies in root {i + 1}, among footage",
                "put it in a folder outside all roots",
            )
        if root.exists() and not root.is_dir():
            yield ("storage", "roots", i), f"{root} is not a folder", "name a folder"
    if catalogue.is_dir():
        yield ("storage", "catalogue"), f"{catalogue} is a folder", "name the database file in it"


def check_retention(retention: Retention) -> Iterator[Finding]:
    """The promise to keep footage must not outlast the duty to delete it."""
    if retention.min_age_us is not None and retention.min_age_us > retention.max_age_us:
        yield ("retention", "min_age"), *_ages(retention.min_age_us, retention.max_age_us)
    for i, rule in enumerate(retention.label_rules):
        max_age_us = rule.max_age_us or retention.max_age_us
        min_age_us = rule.min_age_us or retention.min_age_us
        if rule.max_age_us == rule.min_age_us == rule.max_bytes is None:
            yield ("retention", "label", i), "has no rule", "add max_age, min_age or max_bytes, or remove it"
        elif rule.max_age_us == rule.min_age_us is None:
            continue  # said of [retention] itself
        elif min_age_us is not None and min_age_us > max_age_us:
            key = "min_age" if rule.min_age_us is not None else "max_age"
            yield ("retention", "label", i, key), *_ages(min_age_us, max_age_us)


def _ages(min_age_us: int, max_age_us: int) -> tuple[Sentence, Sentence]:
    what = Sentence(
        "min_age {least} is longer than max_age {most}",
        least=format_duration(min_age_us),
        most=format_duration(max_age_us),
    )
    return what, Sentence("footage can't be kept longer than it may exist: lower min_age or raise max_age")


def check_server(server: Server, *, has_acme: bool = False) -> Iterator[Finding]:
    """What TLS needs to work at all. The files themselves are looked at by ``nvr check-config``, and by the API: for
    want of them nothing is kept from recording."""
    if (server.certificate is None) != (server.key is None):
        given, other = ("certificate", "key")[:: 1 if server.key is None else -1]
        yield ("server", given), f"has no {other} to go with it", f"add {other}"
    if server.redirect_port is not None:
        if server.certificate is None and not has_acme:
            yield ("server", "redirect_port"), "has nowhere to redirect to", "add certificate and key"
        elif server.redirect_port == server.port:
            what = "is the port of the page itself, which redirects plain HTTP anyway"
            yield ("server", "redirect_port"), what, "remove it, or choose another, such as 80"


def check_ids(raw_cameras: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """Ids must differ. Looks at what the file says, so that a camera with another mistake counts too."""
    first: dict[str, int] = {}
    for i, raw in enumerate(raw_cameras):
        camera_id = raw.get("id")
        if not isinstance(camera_id, str):
            continue
        if camera_id in first:
            yield ("camera", i, "id"), f'"{camera_id}" is taken by camera {first[camera_id] + 1}', "choose another id"
        else:
            first[camera_id] = i


def check_providers(raw_providers: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    """As ``check_ids``, of identity providers: who somebody is there is known by them."""
    seen: set[str] = set()
    for i, raw in enumerate(raw_providers):
        if isinstance(own_id := raw.get("id"), str):
            if own_id in seen:
                yield ("provider", i, "id"), f'"{own_id}" is taken by another provider', "choose another id"
            seen.add(own_id)


def check_cameras(cameras: Mapping[int, CameraSettings], default: Retention | None) -> Iterator[Finding]:
    """Each camera by itself, by its index in the file; ages against those of its labels and ``[retention]`` where the
    camera has none."""
    for i, camera in cameras.items():
        if camera.password is not None and camera.username is None:
            yield ("camera", i, "password"), Sentence("has no username to go with it"), Sentence("add username")
        policy = default.of(camera) if default else Policy(camera.max_age_us, min_age_us=camera.min_age_us)
        for key, what, advice in check_ages(camera, policy):
            yield ("camera", i, key), what, advice


def check_ages(camera: CameraSettings, policy: Policy) -> Iterator[tuple[str, Sentence, Sentence]]:
    """What a camera's own ages make impossible in ``policy``, the rules in force for it: key, what is wrong, what to
    do."""
    if camera.max_age_us is None and camera.min_age_us is None:
        return
    max_age_us, min_age_us = policy.max_age_us, policy.min_age_us
    if min_age_us is not None and max_age_us is not None and min_age_us > max_age_us:
        yield "min_age" if camera.min_age_us is not None else "max_age", *_ages(min_age_us, max_age_us)


def warn_server(server: Server) -> Iterator[Finding]:
    """Whoever is on the network must not read passwords and footage that pass by."""
    if (
        server.certificate is None
        and not server.is_loopback
        and not server.trusted_proxies
        and server.secure_cookies is not True
    ):
        what = (
            f'"{server.host}" serves the network WITHOUT ENCRYPTION:'
            " everybody on the way can read passwords and footage"
        )
        advice = (
            "give it a certificate (docs/guide/https.md: nvr tls create makes one), or put a proxy with TLS in front"
            " (docs/guide/behind-a-proxy.md): on this machine, with host = "
            '"127.0.0.1"; on another, name it in trusted_proxies'
        )
        yield ("server", "host"), what, advice


def warn_cameras(raw_cameras: Sequence[Mapping[str, Any]], cameras: Mapping[int, CameraSettings]) -> Iterator[Finding]:
    """What works, but isn't how it should be."""
    for i, camera in cameras.items():
        parts = parse_camera_url(raw_cameras[i]["url"])
        if parts.username is not None:
            what = "credentials in a url are easily copied along with it"
            yield ("camera", i, "url"), what, "move them to the keys username and password"
        elif "@" in camera.url and "." not in parts.host and ":" not in parts.host:
            what = f'is read as the host "{parts.host}", with @ in the path'
            yield ("camera", i, "url"), what, "if that is a password with a /, use the keys username and password"


def warn_folders(storage: Storage, folders: Mapping[str, Path]) -> Iterator[Finding]:
    """What is not footage should not lie among it: a disk of footage is emptied as it fills, checked file by file, and
    taken away as a whole. ``folders``: by their keys in ``[evidence]``."""
    for key, folder in folders.items():
        for i, root in enumerate(storage.roots):
            real = root.resolve()
            if real == folder.resolve() or real in folder.resolve().parents:
                what = f"lies in root {i + 1} ({root}), among footage"
                yield ("evidence", key), what, f"put it in a folder outside all roots: {key} = PATH"


def warn_same_urls(cameras: Mapping[int, CameraSettings]) -> Iterator[Finding]:
    """One camera recorded under two ids costs its network and the disk twice, and one of the two is another camera that
    nobody records. One warning for all that have a url in common; few are listed."""
    first: dict[str, int] = {}
    again: dict[int, list[int]] = {}
    for i, camera in cameras.items():
        scheme, _, rest = camera.url.partition("://")
        host, slash, path = rest.partition("/")
        at = first.setdefault(f"{scheme.lower()}://{host.lower()}{slash}{path}", i)
        if at != i:
            again.setdefault(at, []).append(i)
    for at, others in list(again.items())[:_LISTED]:
        named = ", ".join(cameras[i].id for i in others[:_LISTED]) + (", …" if len(others) > _LISTED else "")
        yield ("camera", others[0], "url"), f"is that of camera {cameras[at].id} too (here: {named})", "correct one"
    if len(again) > _LISTED:
        what = f"and {len(again) - _LISTED} other urls are those of two cameras or more"
        yield ("camera",), what, "correct them"


def warn_storage(storage: Storage) -> Iterator[Finding]:
    """What is promised of a power cut must be possible: frames are written a second and a half after they came."""
    if storage.sync_interval_us < _LEAST_SYNC_US:
        what = (
            "is less than can be kept: a frame is up to a second and a half old when it is written,"
            " and has to be synced then"
        )
        yield ("storage", "sync_interval"), what, 'write "3s" or more; as it is, the disk is synced all the time'


def warn_plain(plain: Sequence[tuple[str | int, ...]]) -> Iterator[Finding]:
    """Secrets in the file itself are copied and backed up along with it. One warning for all: a fleet has thousands."""
    if plain:
        what = "stands in this file in plain text" + (f", and so do {len(plain) - 1} others" if len(plain) > 1 else "")
        advice = f"write {plain[0][-1]}_file = PATH, or ${{credential:NAME}} of systemd (docs/guide/getting-started.md)"
        yield plain[0], what, advice


def warn_mode(path: Path, plain: Sequence[tuple[str | int, ...]]) -> Iterator[Finding]:
    """A file with passwords should not be readable by every user of the machine."""
    if plain and path.stat().st_mode & 0o004:
        yield (), "holds passwords and every user of this machine can read it", f"run: chmod o-rwx {path}"
