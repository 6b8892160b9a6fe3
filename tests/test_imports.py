"""Which folder may import which, and that none is flat: the table of docs/design/architecture.md. Reads the sources.

Invariant: arrows between folders run one way. A new arrow is a decision: it goes into the table here, or does not go.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.house import PAGE, picture, put_into

TOP = Path(__file__).parent.parent

# Folder to the folders of ours that its modules may import. ``nvr`` itself (the version, compiled, log) may be imported
# by all.
ALLOWED: dict[str, frozenset[str]] = {
    "nvr": frozenset({"nvr.config"}),
    "nvr.access": frozenset({"storage", "storage.catalogue"}),
    "nvr.accounts": frozenset({"nvr.access", "storage", "storage.catalogue", "storage.secrets"}),
    "nvr.alerting": frozenset(
        {
            "nvr.backups",
            "nvr.alerting.channels",
            "nvr.cameras",
            "nvr.config",
            "nvr.network",
            "nvr.texts",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.disk",
            "storage.integrity",
            "storage.retention",
            "storage.writing",
        }
    ),
    "nvr.alerting.channels": frozenset(),
    "nvr.api": frozenset(
        {
            "nvr.api.access",
            "nvr.api.accounts",
            "nvr.api.answers",
            "nvr.api.cameras",
            "nvr.api.cases",
            "nvr.api.devices",
            "nvr.api.federation",
            "nvr.api.footage",
            "nvr.api.http",
            "nvr.api.live",
            "nvr.api.operations",
            "nvr.api.orders",
            "nvr.api.reports",
            "nvr.api.retention",
            "nvr.tls",
        }
    ),
    "nvr.api.access": frozenset(
        {"nvr.access", "nvr.accounts", "nvr.api.http", "nvr.texts", "storage", "storage.catalogue"}
    ),
    "nvr.api.accounts": frozenset(
        {
            "nvr.access",
            "nvr.accounts",
            "nvr.api.http",
            "nvr.evidence.seal",
            "storage",
            "storage.catalogue",
            "storage.integrity",
        }
    ),
    "nvr.api.answers": frozenset({"nvr.api.http", "nvr.playback", "storage"}),
    "nvr.api.cameras": frozenset(
        {
            "nvr.access",
            "nvr.api.answers",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.config",
            "nvr.playback",
            "nvr.sources",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.retention",
            "storage.secrets",
        }
    ),
    "nvr.api.cases": frozenset(
        {
            "nvr.access",
            "nvr.api.answers",
            "nvr.api.http",
            "nvr.api.retention",
            "nvr.cases",
            "nvr.evidence.package",
            "nvr.evidence.seal",
            "storage",
            "storage.catalogue",
            "storage.coverage",
        }
    ),
    "nvr.api.devices": frozenset(
        {
            "nvr.access",
            "nvr.api.cameras",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.devices",
            "nvr.devices.events",
            "nvr.devices.onvif",
            "nvr.devices.ptz",
            "nvr.texts",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.api.federation": frozenset(
        {
            "nvr.access",
            "nvr.accounts",
            "nvr.api.accounts",
            "nvr.api.http",
            "nvr.federation",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.api.footage": frozenset(
        {
            "nvr.access",
            "nvr.api.answers",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.cases",
            "nvr.playback",
            "nvr.playback.clip",
            "nvr.playback.hls",
            "nvr.playback.tiles",
            "nvr.reports",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.coverage",
        }
    ),
    "nvr.api.http": frozenset(
        {
            "nvr.access",
            "nvr.accounts",
            "nvr.cameras",
            "nvr.config",
            "nvr.devices.ptz",
            "nvr.federation",
            "nvr.playback",
            "nvr.playback.hls",
            "nvr.playback.live",
            "nvr.texts",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.retention",
        }
    ),
    "nvr.api.live": frozenset(
        {
            "nvr.access",
            "nvr.api.cameras",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.config",
            "nvr.orders",
            "nvr.playback.live",
            "storage",
            "storage.catalogue",
            "storage.secrets",
        }
    ),
    "nvr.api.operations": frozenset(
        {
            "nvr.access",
            "nvr.backups",
            "nvr.alerting",
            "nvr.api.cameras",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.config",
            "nvr.fleet",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.retention",
            "storage.writing",
        }
    ),
    "nvr.api.orders": frozenset(
        {
            "nvr.access",
            "nvr.api.cameras",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.network",
            "nvr.orders",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.api.reports": frozenset(
        {
            "nvr.access",
            "nvr.api.answers",
            "nvr.api.cameras",
            "nvr.api.http",
            "nvr.network",
            "nvr.reports",
            "nvr.reports.formats",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.disk",
            "storage.retention",
        }
    ),
    "nvr.api.retention": frozenset(
        {"nvr.access", "nvr.api.http", "storage", "storage.catalogue", "storage.disk", "storage.retention"}
    ),
    "nvr.backups": frozenset(
        {
            "nvr.config",
            "nvr.evidence.seal",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.format",
            "storage.integrity",
            "storage.secrets",
            "storage.upgrade",
        }
    ),
    "nvr.cameras": frozenset(
        {"nvr.config", "nvr.orders", "nvr.texts", "storage", "storage.catalogue", "storage.format", "storage.secrets"}
    ),
    "nvr.cases": frozenset({"nvr.access", "storage", "storage.catalogue", "storage.retention"}),
    "nvr.cli": frozenset(
        {
            "nvr.access",
            "nvr.backups",
            "nvr.accounts",
            "nvr.alerting",
            "nvr.alerting.channels",
            "nvr.api.http",
            "nvr.cameras",
            "nvr.cases",
            "nvr.config",
            "nvr.devices",
            "nvr.devices.events",
            "nvr.devices.onvif",
            "nvr.devices.ptz",
            "nvr.doctor",
            "nvr.evidence.jobs",
            "nvr.evidence.making",
            "nvr.evidence.package",
            "nvr.evidence.seal",
            "nvr.evidence.verify",
            "nvr.fleet",
            "nvr.network",
            "nvr.orders",
            "nvr.playback",
            "nvr.playback.clip",
            "nvr.playback.hls",
            "nvr.recorder.probe",
            "nvr.recorder.sources.rtsp",
            "nvr.reports",
            "nvr.reports.formats",
            "nvr.sources",
            "nvr.supervisor",
            "nvr.texts",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.disk",
            "storage.integrity",
            "storage.recovery",
            "storage.retention",
            "storage.secrets",
            "storage.upgrade",
        }
    ),
    "nvr.config": frozenset(
        {"nvr.sources", "nvr.texts", "storage", "storage.catalogue", "storage.format", "storage.retention"}
    ),
    "nvr.demo": frozenset({"nvr.demo.rtsp"}),
    "nvr.demo.rtsp": frozenset(),
    "nvr.devices": frozenset(
        {
            "nvr.cameras",
            "nvr.config",
            "nvr.devices.onvif",
            "nvr.recorder.sources.rtp",
            "nvr.recorder.sources.rtsp",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.format",
            "storage.secrets",
        }
    ),
    "nvr.devices.onvif": frozenset(
        {"nvr.config", "nvr.recorder.sources.rtp", "nvr.recorder.sources.rtsp", "storage.catalogue"}
    ),
    "nvr.devices.events": frozenset(
        {
            "nvr.cameras",
            "nvr.devices",
            "nvr.devices.onvif",
            "nvr.recorder.sources.rtsp",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.devices.ptz": frozenset(
        {"nvr.devices", "nvr.devices.onvif", "nvr.recorder.sources.rtsp", "storage", "storage.catalogue"}
    ),
    "nvr.doctor": frozenset(
        {
            "nvr.backups",
            "nvr.alerting",
            "nvr.cameras",
            "nvr.config",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.upgrade",
        }
    ),
    "nvr.documents": frozenset(),
    "nvr.evidence": frozenset({"nvr.evidence.jobs", "nvr.evidence.seal"}),
    "nvr.evidence.jobs": frozenset(
        {
            "nvr.cases",
            "nvr.config",
            "nvr.evidence.making",
            "nvr.evidence.package",
            "nvr.evidence.seal",
            "nvr.playback",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.integrity",
        }
    ),
    "nvr.evidence.making": frozenset(
        {
            "nvr.cases",
            "nvr.config",
            "nvr.evidence.package",
            "nvr.evidence.seal",
            "nvr.evidence.verify",
            "nvr.playback",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.format",
            "storage.tiers",
        }
    ),
    "nvr.evidence.package": frozenset(
        {
            "nvr.evidence.seal",
            "nvr.playback",
            "nvr.texts",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.disk",
            "storage.format",
        }
    ),
    "nvr.evidence.seal": frozenset({"storage", "storage.catalogue", "storage.disk", "storage.format"}),
    "nvr.evidence.verify": frozenset(
        {"nvr.evidence.package", "nvr.evidence.seal", "nvr.texts", "storage", "storage.format"}
    ),
    "nvr.federation": frozenset(),
    "nvr.housekeeping": frozenset(
        {
            "nvr.backups",
            "nvr.alerting",
            "nvr.cameras",
            "nvr.devices",
            "nvr.network",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.coverage",
            "storage.disk",
            "storage.recovery",
            "storage.retention",
            "storage.tiers",
        }
    ),
    "nvr.fleet": frozenset({"storage", "storage.catalogue"}),
    "nvr.network": frozenset({"storage", "storage.catalogue"}),
    "nvr.orders": frozenset({"nvr.cases", "nvr.network", "storage", "storage.catalogue", "storage.retention"}),
    "nvr.playback": frozenset(
        {"storage", "storage.catalogue", "storage.coverage", "storage.disk", "storage.format", "storage.tiers"}
    ),
    "nvr.playback.clip": frozenset(
        {"nvr.playback", "storage", "storage.catalogue", "storage.coverage", "storage.format"}
    ),
    "nvr.playback.live": frozenset(
        {"nvr.playback", "nvr.playback.hls", "nvr.sources", "storage", "storage.catalogue", "storage.format"}
    ),
    "nvr.playback.tiles": frozenset({"nvr.playback", "storage", "storage.catalogue", "storage.coverage"}),
    "nvr.playback.hls": frozenset(
        {"nvr.playback", "storage", "storage.catalogue", "storage.coverage", "storage.format"}
    ),
    "nvr.recorder": frozenset(
        {
            "nvr.config",
            "nvr.recorder.lane",
            "nvr.recorder.loop",
            "nvr.recorder.media",
            "nvr.recorder.run",
            "nvr.recorder.audio",
            "nvr.recorder.sources",
            "nvr.recorder.sources.rtsp",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.writing",
        }
    ),
    "nvr.recorder.clocks": frozenset({"nvr.recorder.media", "storage", "storage.catalogue"}),
    "nvr.recorder.lane": frozenset(
        {
            "nvr.recorder.loop",
            "nvr.recorder.media",
            "nvr.recorder.run",
            "nvr.recorder.sources.rtp",
            "nvr.recorder.sources.rtsp",
            "storage.format",
        }
    ),
    "nvr.recorder.loop": frozenset(),
    "nvr.recorder.media": frozenset({"storage", "storage.format"}),
    "nvr.recorder.probe": frozenset(
        {
            "nvr.config",
            "nvr.recorder.media",
            "nvr.recorder.sources",
            "nvr.recorder.sources.rtp",
            "nvr.recorder.sources.rtsp",
            "nvr.sources",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.recorder.run": frozenset(
        {
            "nvr.recorder.clocks",
            "nvr.recorder.media",
            "nvr.recorder.audio",
            "nvr.recorder.sources.rtp",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.format",
            "storage.writing",
        }
    ),
    "nvr.recorder.audio": frozenset({"nvr.recorder.media"}),
    "nvr.recorder.sources": frozenset(
        {
            "nvr.config",
            "nvr.recorder.clocks",
            "nvr.recorder.loop",
            "nvr.recorder.media",
            "nvr.recorder.sources.relay",
            "nvr.recorder.sources.rtp",
            "nvr.recorder.sources.rtsp",
            "nvr.sources",
            "storage",
        }
    ),
    "nvr.recorder.sources.relay": frozenset(
        {"nvr.config", "nvr.recorder.media", "nvr.recorder.sources.rtp", "nvr.recorder.sources.rtsp", "storage"}
    ),
    "nvr.recorder.sources.rtp": frozenset({"nvr.recorder.media"}),
    "nvr.recorder.sources.rtsp": frozenset(
        {
            "nvr.config",
            "nvr.recorder.loop",
            "nvr.recorder.media",
            "nvr.recorder.sources.rtp",
            "storage",
            "storage.catalogue",
            "storage.catalogue.migrations",
        }
    ),
    "nvr.recorder.watching": frozenset(
        {
            "nvr.config",
            "nvr.recorder.media",
            "nvr.recorder.sources",
            "nvr.recorder.sources.rtsp",
            "nvr.sources",
            "storage",
            "storage.catalogue",
        }
    ),
    "nvr.reports": frozenset(
        {"nvr.cameras", "nvr.documents", "nvr.texts", "storage", "storage.catalogue", "storage.coverage"}
    ),
    "nvr.reports.formats": frozenset({"nvr.reports", "storage.coverage"}),
    "nvr.sources": frozenset(),
    "nvr.supervisor": frozenset(
        {
            "nvr.access",
            "nvr.accounts",
            "nvr.alerting",
            "nvr.cases",
            "nvr.config",
            "nvr.fleet",
            "nvr.orders",
            "nvr.recorder",
            "nvr.recorder.loop",
            "nvr.recorder.sources",
            "nvr.sources",
            "nvr.tls",
            "storage",
            "storage.catalogue",
            "storage.disk",
            "storage.integrity",
            "storage.recovery",
            "storage.retention",
            "storage.secrets",
            "storage.upgrade",
            "storage.writing",
        }
    ),
    "nvr.texts": frozenset({"storage"}),
    "nvr.tls": frozenset({"storage"}),
    "storage": frozenset(),
    "storage.catalogue": frozenset({"storage", "storage.catalogue.migrations", "storage.format", "storage.secrets"}),
    "storage.catalogue.migrations": frozenset(),
    "storage.coverage": frozenset({"storage", "storage.catalogue", "storage.format", "storage.writing"}),
    "storage.disk": frozenset({"storage"}),
    "storage.format": frozenset(),
    "storage.integrity": frozenset({"storage.catalogue", "storage.catalogue.migrations"}),
    "storage.recovery": frozenset(
        {"storage", "storage.catalogue", "storage.disk", "storage.format", "storage.retention", "storage.tiers"}
    ),
    "storage.retention": frozenset({"storage", "storage.catalogue", "storage.disk", "storage.format", "storage.tiers"}),
    "storage.secrets": frozenset({"storage"}),
    "storage.tiers": frozenset({"storage.disk"}),
    "storage.upgrade": frozenset({"storage", "storage.catalogue", "storage.catalogue.migrations"}),
    "storage.writing": frozenset(
        {"storage", "storage.catalogue", "storage.disk", "storage.format", "storage.recovery"}
    ),
}
# What storage must not know, nor what it would draw in: media and HTTP.
FOREIGN_TO_STORAGE = {"av", "litestar", "uvicorn", "pydantic", "click"}
# A folder of more modules than this is flat: nobody finds a thing in it by its name. Those that are larger have a
# reason.
MOST_MODULES = 20
LARGER = {
    "nvr/api/http": "what every route stands on, a module a concern, none of which belongs to a subject",
    "nvr/cli": "a module a command, named as the command is",
    "nvr/recorder/sources/rtp": "a module a payload, and each part of RTP, named as its RFC names it",
    "storage/catalogue/migrations": "a module a step of the schema, in the order of their numbers",
}

# A module of more lines is read by nobody in one sitting. Those that are longer have no seam, for this reason.
MOST_LINES = 300
LONG = {
    "nvr/alerting/outages.py": "one state machine: when cameras that are down become one alert, and when no more",
    "nvr/api/cameras/public.py": "what everybody may see, in one place, so that it can be read as a whole",
    "nvr/api/footage/watch.py": "what a viewer may watch, for as long as it is watched",
    "nvr/config/loading.py": "one reading of one document: its sections side by side, and what they say of each other",
    "nvr/config/model.py": "the configuration file, section by section: docs/reference/configuration.md in code",
    "nvr/demo/streets.py": "one drawing",
    "nvr/devices/look.py": "one conversation with a device, step by step",
    "nvr/evidence/jobs/exporter.py": "one queue: what is begun, waits, fails and expires is one state",
    "nvr/evidence/package/archive.py": "ZIP, written and read: each field stands beside its other half",
    "nvr/evidence/package/statement.py": "one page of paper, from its top to its end",
    "nvr/evidence/seal/oeff.py": "boxes of one standard, written and read: each stands beside its other half",
    "nvr/evidence/verify/package.py": "one pass over a package, in the order of its findings",
    "nvr/housekeeping/brake.py": "what waits for a person is decided in one place, or could be passed by",
    "nvr/playback/clip/clip.py": "a clip's plan: samples, edits and what is not shown depend on each other",
    "nvr/playback/index_cache.py": "one cache: what is open, what is kept, and what goes first",
    "nvr/recorder/camera.py": "the life of a camera in a worker: one state machine",
    "nvr/recorder/clocks/timeline.py": "one state machine: each rule that moves time needs all others' state",
    "nvr/recorder/lane/lane.py": "one state: what its socket reads and what it is given go through the same steps",
    "nvr/recorder/lane/crossing.py": "one state, number by number: the way in and the way back stand side by side",
    "nvr/recorder/media/fragments.py": "one fragment, byte by byte; every call between modules would be one a frame",
    "nvr/recorder/run/pipeline.py": "the path of a frame; compiled as one class",
    "nvr/recorder/run/run.py": "one run from its first frame to its end",
    "nvr/recorder/sources/relay/session.py": "one RTSP conversation, request by request",
    "nvr/recorder/sources/relay/video.py": "one stream of FFmpeg's way, from packet to frame",
    "nvr/recorder/sources/rtp/admission.py": "which packets are believed: one state machine",
    "nvr/recorder/sources/rtp/pictures.py": "the state between two packets, shared by all codecs",
    "nvr/recorder/sources/rtsp/client.py": "the RTSP conversation, request by request, as its RFC has it",
    "nvr/recorder/sources/rtsp/connection.py": "one connection: reading, writing and its end share its buffers",
    "nvr/recorder/sources/rtsp/framing.py": "one read buffer, and what begins where in it",
    "nvr/recorder/sources/rtsp/receiving.py": "one camera's packets, video and sound, off one socket",
    "nvr/recorder/sources/rtsp/source.py": "one attempt from DESCRIBE to its end",
    "nvr/recorder/worker.py": "a worker's process: what it is told, and what it tells",
    "storage/catalogue/facts.py": "the rules by which facts of one table never contradict",
    "storage/catalogue/segments.py": "all statements on one table and its spans",
    "storage/coverage/fleet.py": "one query plan for thousands of cameras",
    "storage/format/boxes.py": "MP4 boxes: one table of a format",
    "storage/writing/disk_writer.py": "one thread's work on one disk",
    "nvr/supervisor/services.py": "a table: what each child that is no recorder is told",
}


def sources() -> list[Path]:
    return sorted(
        path for top in ("nvr", "storage") for path in (TOP / top).rglob("*.py") if "node_modules" not in path.parts
    )


def module_of(path: Path) -> str:
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and full name of everything the module imports, wherever in it: a lazy import is one too."""
    package = module_of(path) if path.name == "__init__.py" else module_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, base]).rstrip(".")
            # "from nvr import supervisor" may import a module, and "from nvr import __version__" does not.
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def owner(module: str) -> str:
    """The row of the table that holds for the module: its folder's."""
    return max((row for row in ALLOWED if within(module, row)), key=len)


def forbidden(module: str, imported: str) -> bool:
    if not within(imported, "nvr") and not within(imported, "storage"):
        return within(module, "storage") and imported.partition(".")[0] in FOREIGN_TO_STORAGE
    row, target = owner(module), owner(imported)
    if target == row or (target == "nvr" and not within(row, "storage")):
        return False
    return target not in ALLOWED[row]


def arrows() -> dict[str, set[str]]:
    """From each folder to those that its modules import, as the sources are."""
    found: dict[str, set[str]] = {row: set() for row in ALLOWED}
    for path in sources():
        row = owner(module_of(path))
        for _, name in imports(path):
            if within(name, "nvr") or within(name, "storage"):
                found[row].add(owner(name))
    return {row: targets - {row, "nvr"} for row, targets in found.items()}


def test_directions() -> None:
    wrong = [
        f"{path.relative_to(TOP)}:{line} imports {name}"
        for path in sources()
        for line, name in imports(path)
        if forbidden(module_of(path), name)
    ]
    assert wrong == []


def test_every_folder_has_a_row_and_no_row_is_left_over() -> None:
    folders = {module_of(path) for path in sources() if path.name == "__init__.py"}
    assert folders == set(ALLOWED)
    found = arrows()
    unused = {row: sorted(allowed - found[row]) for row, allowed in ALLOWED.items() if allowed - found[row]}
    assert unused == {}, "nothing there imports these: take them out of the table"


def test_arrows_run_one_way() -> None:
    graph = {row: targets for row, targets in arrows().items() if row != "nvr"}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_folder_is_flat() -> None:
    sizes = Counter(path.parent.relative_to(TOP).as_posix() for path in sources() if not path.name.startswith("__"))
    assert sorted(folder for folder, size in sizes.items() if size > MOST_MODULES and folder not in LARGER) == []


def test_a_long_module_has_a_reason() -> None:
    lines = {p.relative_to(TOP).as_posix(): p.read_text(encoding="utf-8").count("\n") for p in sources()}
    assert sorted(path for path, count in lines.items() if count > MOST_LINES and path not in LONG) == []
    assert sorted(path for path in LONG if lines.get(path, 0) <= MOST_LINES) == [], "no reason is needed any more"


def test_no_public_class_name_is_there_twice() -> None:
    """One thing for one name: whoever reads ``Plan`` need not ask which."""
    places: dict[str, list[str]] = {}
    for path in sources():
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module_of(path))
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_no_exported_name_of_the_page_is_there_twice() -> None:
    """As above, of TypeScript: what ``import`` offers twice is imported wrongly once."""
    exported = re.compile(r"^export (?:async )?(?:interface|type|class|function|const|enum) (\w+)", re.MULTILINE)
    places: dict[str, list[str]] = {}
    for path in (TOP / "nvr/web/src").rglob("*.ts*"):
        for name in exported.findall(path.read_text(encoding="utf-8")):
            places.setdefault(name, []).append(path.name)
    assert len(places) > 300, "the page exports more than that"
    assert {name: modules for name, modules in places.items() if len(modules) > 1} == {}


def test_the_map_is_that_of_the_sources() -> None:
    page = PAGE.read_text(encoding="utf-8")
    made = picture({folder: targets for folder, targets in arrows().items() if folder != "nvr"})
    assert put_into(page, made) == page, "python -m tests.house --write draws it anew"


def test_what_contributing_names_is_there() -> None:
    named = re.findall(r"`((?:nvr|storage|tests|docs)/[\w./-]*)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 12
    assert [path for path in named if not (TOP / path).exists()] == []
    inside = re.findall(r"`((?:nvr|storage)/[\w./-]*\.py)` \(`(\w+)`\)", PAGE.read_text(encoding="utf-8"))
    assert len(inside) > 6
    assert [pair for pair in inside if pair[1] not in (TOP / pair[0]).read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(
    ("module", "imported", "expected"),
    [
        ("storage.coverage.runs", "nvr.config", True),
        ("storage.coverage.runs", "nvr.__version__", True),
        ("storage.coverage.runs", "av.open", True),
        ("storage.coverage.runs", "storage.catalogue.segments", False),
        ("storage.catalogue.segments", "storage.coverage.runs", True),
        ("storage.format.boxes", "storage.catalogue", True),
        ("nvr.api.footage.clips", "nvr.playback.clip.clip", False),
        ("nvr.api.http.auth", "nvr.api.footage.clips", True),
        ("nvr.api.app", "nvr.recorder.worker", True),
        ("nvr.recorder.worker", "nvr.housekeeping", True),
        ("nvr.recorder.sources.rtp.rtp", "nvr.recorder.sources.rtsp.client", True),
        ("nvr.playback.clip.clip", "nvr.config.loading", True),
        ("nvr.playback.clip.clip", "nvr.__version__", False),
        ("nvr.config.loading", "nvr.cli", True),
        ("nvr.cli.serve", "nvr.supervisor", False),
        ("nvr.recorder.worker", "av", False),
    ],
)
def test_the_rule_itself(module: str, imported: str, expected: bool) -> None:
    assert forbidden(module, imported) is expected
