"""The documentation tells of every setting and every command, with their real defaults, and of none that
doesn't exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click
import pytest

from nvr.cli import main
from nvr.config import (
    AcmeSettings,
    AlertSettings,
    BackupSettings,
    CameraSettings,
    DeviceSearch,
    EventRules,
    Evidence,
    FleetSettings,
    IdentityProvider,
    LoginSettings,
    Map,
    Network,
    PtzRules,
    Public,
    Retention,
    Server,
    Storage,
    load,
)
from nvr.config.explaining import file_keys
from nvr.config.model import Settings

TOP = Path(__file__).parent.parent
SECTIONS: dict[str, type[Settings]] = {
    "server": Server,
    "acme": AcmeSettings,
    "storage": Storage,
    "retention": Retention,
    "evidence": Evidence,
    "login": LoginSettings,
    "alerts": AlertSettings,
    "backup": BackupSettings,
    "fleet": FleetSettings,
    "network": Network,
    "devices": DeviceSearch,
    "ptz": PtzRules,
    "events": EventRules,
    "public": Public,
    "map": Map,
    "camera": CameraSettings,
    "provider": IdentityProvider,
}
KEYS = {(section, key) for section, model in SECTIONS.items() for key in file_keys(model)}


def documented_settings() -> Iterator[tuple[str, str, str]]:
    """Section, key and default of each row of each table in the reference."""
    section = ""
    for line in (TOP / "docs/reference/configuration.md").read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## `\[+(\w+)\]+`", line):
            section = heading[1]
        elif row := re.match(r"\| `(\w+)` \| (.*?) \| .+ \|$", line):
            yield section, row[1], row[2]


def uncommented(text: str) -> str:
    return re.sub(r"^#(?=[\[a-z])", "", text, flags=re.MULTILINE)


def test_reference_has_every_setting_once() -> None:
    rows = [(section, key) for section, key, _ in documented_settings()]
    assert sorted(rows) == sorted(KEYS)


def test_reference_has_the_real_defaults(tmp_path: Path) -> None:
    """Each literal default of the reference, written into a file, gives what leaving it out gives."""
    literal = [(section, key, text[1:-1]) for section, key, text in documented_settings() if text.startswith("`")]
    assert len(literal) > len(KEYS) / 2
    written, empty = tmp_path / "written.toml", tmp_path / "empty.toml"
    camera = '[[camera]]\nid = "a"\nurl = "rtsp://h"\n'
    provider = '[[provider]]\nid = "a"\nname = "A"\nissuer = "https://h"\nclient_id = "c"\n'
    required = camera + provider
    lines = [{"camera": camera, "provider": provider}.get(name, f"[{name}]\n") for name in SECTIONS]
    for section, key, text in literal:
        lines[list(SECTIONS).index(section)] += f"{key} = {text}\n"
    written.write_text("".join(lines))
    empty.write_text(required)
    assert load(written).model_copy(update={"path": Path()}) == load(empty).model_copy(update={"path": Path()})


def test_example_has_every_setting(tmp_path: Path) -> None:
    text = uncommented((TOP / "config.toml").read_text(encoding="utf-8"))
    parsed = tomllib.loads(text)
    parsed |= {name: parsed[name][0] for name in ("camera", "provider")}
    said = {(section, key) for section, values in parsed.items() for key in values}
    # In the place of another key, with which they can't be given: named beside it.
    instead = {(section, key) for section, key in KEYS if key.endswith("_file")}
    assert said == KEYS - instead
    assert all(f"{key} = " in text for _, key in instead)


def test_example_is_good_as_it_is_and_uncommented(tmp_path: Path) -> None:
    text = (TOP / "config.toml").read_text(encoding="utf-8")
    path = tmp_path / "config.toml"
    path.write_text("")
    defaults = load(path)
    path.write_text(text)
    assert load(path) == defaults
    path.write_text(uncommented(text))
    path.chmod(0o600)
    config = load(path)
    assert [str(warning) for warning in config.warnings if "in plain text" not in warning.what] == []
    assert len(config.cameras) == 1


@pytest.mark.parametrize("page", ["README.md", *(str(p.relative_to(TOP)) for p in TOP.glob("docs/**/*.md"))])
def test_links_lead_somewhere(page: str) -> None:
    text = (TOP / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", text):
        assert (TOP / page).parent.joinpath(target).exists(), f"{page} links to {target}"


def test_every_threat_has_a_test_that_is_there() -> None:
    """Each row of docs/design/threats.md names files of tests, and tests in them, that exist; or says where it says
    that nothing can be done."""
    every = list((TOP / "tests").rglob("test_*.py"))
    rows = 0
    for line in (TOP / "docs/design/threats.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("| ") or cells[0] in ("may try", "---", "who"):
            continue
        rows += 1
        shown = cells[-1]
        if shown.startswith("said in ["):
            continue
        names = re.findall(r"`([^`]+)`", shown)
        assert names and names[0].endswith(".py"), line
        text = ""
        for name in names:
            if name.endswith(".py"):
                paths = [path for path in every if str(path).endswith(f"/{name}")]
                assert paths, name
                text = "".join(path.read_text(encoding="utf-8") for path in paths)
            else:
                assert f"def {name}(" in text, f"{name} is not where {line} says"
    assert rows > 50


def commands(group: click.Group, prefix: str) -> Iterator[tuple[str, click.Command]]:
    ctx = click.Context(group)
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        yield f"{prefix} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")


def test_every_command_is_documented() -> None:
    """Each command, subcommands too, under a heading of its own, with its options; and no other."""
    text = (TOP / "docs/reference/commands.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^#{2,3} `(nvr [^`]*)`\n(.*?)(?=^#{2,3} |\Z)", text, re.MULTILINE | re.DOTALL))
    found = dict(commands(main, "nvr"))
    assert set(sections) == set(found)
    for name, command in found.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option) and parameter.name != "config":
                assert f"`{parameter.opts[-1]}" in sections[name], f"{name} {parameter.opts[-1]}"


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((TOP / "nvr/web/package.json").read_text(encoding="utf-8"))
    wanted = {
        re.split(r"[^\w.-]", requirement)[0]
        for requirement in (*project["dependencies"], *chain(*project["optional-dependencies"].values()))
    }
    wanted |= {*package.get("dependencies", {}), *package.get("devDependencies", {})}
    crate = tomllib.loads((TOP / "packets/Cargo.toml").read_text(encoding="utf-8"))
    wanted |= {*crate["dependencies"], *crate["dev-dependencies"]}
    text = (TOP / "docs/design/dependencies.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)) == wanted
