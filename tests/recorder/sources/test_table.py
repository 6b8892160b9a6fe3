"""The table of sources: everything that knows one by its name asks there, and another one is a file and a line."""

from __future__ import annotations

import asyncio
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from nvr.cli.probe import probe
from nvr.config import CameraSettings
from nvr.recorder.media.packets import Ended, PacketSink
from nvr.recorder.sources.choose import SourceChoice
from nvr.recorder.sources.reading import Reading, by_settings
from nvr.sources import AUTO, SOURCES, SourceKind, choose, fallback
from storage.causes import Cause
from tests.page_types import description
from tests.recorder.sources.harness import Sink, camera

DOCS = Path(__file__).parents[3] / "docs/reference"


class Film:
    """A source as somebody would add it."""

    def __init__(self, camera: CameraSettings, sink: PacketSink) -> None:
        self._camera, self._sink = camera, sink
        self.open_us: int | None = None
        self.counters: Mapping[str, int] = {"received": 3}

    async def run(self) -> Ended:
        self._sink.connected()
        return Ended(Cause.ENDED, {"film": self._camera.id})

    def stop(self) -> None:
        pass

    def be_quick(self, quick: bool) -> None:
        pass

    def pause(self) -> None:
        pass


FILM = SourceKind(
    name="film",
    title="the projector",
    reads=lambda url, transport: url.startswith("rtsp://film"),
    implementation=f"{__name__}:Film",
    connection_s=0.01,
)


def places() -> dict[str, list[str]]:
    """Where the names of sources stand for others: in the description of the API and as choices of a command."""
    schemas = description()["components"]["schemas"]
    found = {
        f"{name}.source": schema["properties"]["source"]["enum"]
        for name, schema in schemas.items()
        if "source" in schema.get("properties", {}) and "enum" in schema["properties"]["source"]
    }
    (option,) = [each for each in probe.params if each.name == "source"]
    return {**found, "nvr probe": list(option.type.choices)}  # type: ignore[attr-defined]


def test_each_is_what_a_source_is_to_the_rest() -> None:
    assert {name: kind.name for name, kind in SOURCES.items()} == {name: name for name in SOURCES}
    for kind in SOURCES.values():
        made = pkgutil.resolve_name(kind.implementation)
        assert all(hasattr(made, name) for name in ("run", "stop", "open_us", "pause", "counters")), kind.name
        assert camera("rtsp://c/x", source=kind.name).source == kind.name
    # Whatever the others can't read, the last one tries.
    assert [*SOURCES.values()][-1].reads("gopher://c/x", "udp")
    assert choose("native", "http://c/x", "tcp") is fallback("native") is fallback("av") is SOURCES["av"]


def test_documents_descriptions_and_commands_have_every_one() -> None:
    (row,) = [line for line in (DOCS / "configuration.md").read_text().splitlines() if line.startswith("| `source` |")]
    assert all(f'"{name}"' in row for name in (AUTO, *SOURCES))
    assert all(f"`{name}`" in (DOCS / "http.md").read_text() for name in SOURCES)
    found = places()
    assert {"NewCamera.source", "ProbeRequest.source", "ProbeBody.source", "nvr probe"} <= {*found}
    for place, names in found.items():
        if set(names) & set(SOURCES):
            assert {AUTO, *names} == {AUTO, *SOURCES}, place
    with pytest.raises(ValidationError, match="'auto', 'native', 'av'"):
        camera("rtsp://c/x", source="gopher")


def test_another_one_is_a_file_and_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError):
        camera("rtsp://film/x", source="film")
    monkeypatch.setitem(SOURCES, "film", FILM)
    settings = camera("rtsp://film/x", source="film")
    assert by_settings(settings) == Reading(source="film", transport="tcp")
    assert by_settings(camera("rtsp://c/x", source="film")).source == "native", "it can't read that one"
    choice = SourceChoice(settings)
    assert choice.kind is FILM
    ended = asyncio.run(choice.source(Sink()).run())
    assert (ended.cause, ended.detail) == (Cause.ENDED, {"film": "cam"})
    assert choice.ended(ended, 0.0) is False
