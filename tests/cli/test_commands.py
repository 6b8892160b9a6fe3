from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner, Result

from nvr.cli import main
from nvr.tls.authority import TlsFolder
from storage.disk.roots import IDENTITY_FILE, register
from tests.support.catalogues import new_catalogue
from tests.support.mounts import mounted


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('[[camera]]\nid = "a"\nurl = "rtsp://h/x"\n')
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The configurations that a stand-in for the supervisor was asked to run. It ends with exit code 7."""
    paths: list[Path] = []

    def run(config_path: Path) -> int:
        paths.append(config_path)
        return 7

    stand_in = SimpleNamespace(run=run)
    monkeypatch.setitem(sys.modules, "nvr.supervisor", stand_in)
    monkeypatch.setattr("nvr.supervisor", stand_in, raising=False)
    return paths


def test_every_command_takes_config() -> None:
    ctx = click.Context(main)
    for name in main.list_commands(ctx):
        command = main.get_command(ctx, name)
        assert command is not None
        assert command.name == name
        assert any("--config" in parameter.opts for parameter in command.params), name


@pytest.mark.parametrize("before", [True, False])
def test_config_before_or_after_the_command(config: Path, served: list[Path], before: bool) -> None:
    option = ["--config", str(config)]
    result = CliRunner().invoke(main, [*option, "serve"] if before else ["serve", *option])
    assert result.exit_code == 7, result.output
    assert served == [config]


def test_the_nearer_config_wins(config: Path, served: list[Path]) -> None:
    CliRunner().invoke(main, ["--config", "/far.toml", "serve", "--config", str(config)])
    assert served == [config]


def test_config_of_this_folder_by_default(served: list[Path]) -> None:
    CliRunner().invoke(main, ["serve"])
    assert served == [Path("config.toml")]


def test_check_config_good(config: Path) -> None:
    result = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert result.exit_code == 0
    assert f"{config}: good" in result.output
    assert "cameras    1 in the file" in result.output


def test_check_config_prints_all_problems(config: Path) -> None:
    config.write_text("[server]\nport = 0\n[storage]\nsync_interval = 5\n")
    result = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert result.exit_code == 2
    assert [line.split(": ")[0] for line in result.output.splitlines()] == [f"{config}:2", f"{config}:4"]


def test_check_config_names_roots_that_can_not_be_recorded_to(config: Path, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "1m") as disk:
        config.write_text(f'[storage]\nroots = ["{disk}/footage"]\n')
        assert CliRunner().invoke(main, ["check-config", "--yes", "--config", str(config)]).exit_code == 0
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        done = CliRunner().invoke(main, ["check-config", "--yes", "--config", str(config)])
        assert done.exit_code == 1 and f"{disk}/footage can't be written by" in done.stderr
    # One that carries another identity than the catalogue has for its path.
    database = new_catalogue(tmp_path / "c.sqlite")
    with database.write() as conn:
        root = register(conn, [tmp_path / "footage"])[0]
    database.close()
    config.write_text('[storage]\nroots = ["footage"]\ncatalogue = "c.sqlite"\n')
    assert CliRunner().invoke(main, ["check-config", "--yes", "--config", str(config)]).exit_code == 0
    (root.path / IDENTITY_FILE).unlink()
    done = CliRunner().invoke(main, ["check-config", "--yes", "--config", str(config)])
    assert done.exit_code == 1 and "has no identity file" in done.stderr


def test_check_config_warns_of_what_lies_among_footage_and_of_one_url_twice(config: Path) -> None:
    cameras = "".join(
        f'[[camera]]\nid = "{id_}"\nurl = "{url}"\n'
        for id_, url in (("a", "rtsp://H/x"), ("b", "RTSP://h/x"), ("c", "rtsp://h/X"), ("d", "rtsp://h/x"))
    )
    config.write_text(
        '[storage]\nroots = ["data/footage", "two"]\n[evidence]\nkeys = "two"\nexports = "data/footage/exports"\n'
        + cameras
    )
    done = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert done.exit_code == 0
    assert f"evidence.keys: lies in root 2 ({config.parent / 'two'})" in done.stderr
    assert "evidence.exports: lies in root 1" in done.stderr
    assert "camera[b].url: is that of camera a too (here: b, d)" in done.stderr and "camera[c]" not in done.stderr


def test_check_config_warns_of_an_address_that_is_not_this_machines(config: Path) -> None:
    """It would be served without a page."""
    for host, wrong in (("192.0.2.77", True), ("no-such-host.invalid", True), ("0.0.0.0", False), ("::1", False)):
        config.write_text(f'[server]\nhost = "{host}"\n')
        result = CliRunner().invoke(main, ["check-config", "--config", str(config)])
        assert result.exit_code == 0
        assert (f'"{host}" is no address of this machine' in result.output) is wrong


def test_check_config_names_a_certificate_that_can_not_be_used(config: Path) -> None:
    """The server would record without a page."""
    made = TlsFolder(config.parent / "tls")
    made.create("city", ["cctv.example"])

    def check(certificate: Path, key: Path) -> Result:
        config.write_text(f'[server]\ncertificate = "{certificate}"\nkey = "{key}"\n')
        return CliRunner().invoke(main, ["check-config", "--config", str(config)])

    good = check(made.certificate, made.key)
    assert good.exit_code == 0 and "https://127.0.0.1:8080" in good.output
    assert "can't be used" not in good.output
    wrong = check(made.certificate, made.path / "authority.key")
    assert wrong.exit_code == 1 and "is not the key of" in wrong.stderr
    made.certificate.unlink()
    gone = check(made.certificate, made.key)
    assert gone.exit_code == 1 and "can't be read" in gone.stderr
    config.write_text(f'[server]\nkey = "{made.key}"\nredirect_port = 80\n')
    half = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert half.exit_code == 2 and "has no certificate to go with it" in half.output
    assert "has nowhere to redirect to" in half.output


def test_tls_create_makes_shows_and_renews(config: Path) -> None:
    catalogue = config.parent / "catalogue.sqlite"
    config.write_text(f'[storage]\ncatalogue = "{catalogue}"\n')

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, ["tls", *words, "--config", str(config)])

    assert "no certificate is configured" in run("show").output
    made = run("create", "--name", "Cctv.Example.")
    assert made.exit_code == 0 and "for cctv.example, until" in made.output
    lines = [line for line in made.output.splitlines() if line.startswith(("certificate =", "key ="))]
    config.write_text("\n".join(["[server]", *lines, "[storage]", f'catalogue = "{catalogue}"']))
    shown = run("show")
    assert shown.exit_code == 0 and "for          cctv.example\n" in shown.output
    renewed = run("create")
    assert renewed.exit_code == 0 and "for cctv.example, until" in renewed.output
    assert "give browsers" not in renewed.output
    assert run("show").output != shown.output
    assert "PRIVATE KEY" not in made.output + shown.output + renewed.output
    log = CliRunner().invoke(main, ["audit", "list", "--config", str(config)]).output
    assert log.count("page_certificate_made") == 2


def test_check_config_warns(config: Path) -> None:
    config.write_text('[[camera]]\nid = "a"\nurl = "rtsp://u:s3cret@h/x"\n')
    config.chmod(0o600)
    result = CliRunner().invoke(main, ["check-config", "--config", str(config)])
    assert result.exit_code == 0
    assert result.stderr.startswith(f"warning: {config}:3: ")
    assert "s3cret" not in result.output


def test_missing_config_is_no_traceback(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["check-config", "--config", str(tmp_path / "none.toml")])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_version() -> None:
    result = CliRunner().invoke(main, ["version"])
    assert result.exit_code == 0
    assert result.output.startswith("nvr ")


def test_help_imports_nothing_heavy() -> None:
    """The help lists all commands, hence loads their modules; those must not load what only running them needs."""
    code = (
        "import sys; from click.testing import CliRunner; from nvr.cli import main;"
        "assert 'serve' in CliRunner().invoke(main, ['--help']).output;"
        "print([m for m in ('av', 'litestar', 'pydantic', 'numpy', 'nvr.supervisor') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_probe_says_what_is_wrong_with_a_url_without_its_password() -> None:
    for url, said in (
        ("gate", 'Error: url: is not a URL; write it as "rtsp://host/path"'),
        ("rtsp://a:Rahasia1@", "Error: url: has no host"),
    ):
        result = CliRunner().invoke(main, ["probe", url])
        assert result.exit_code == 2 and said in result.output and "Rahasia1" not in result.output


def test_labels_of_the_configuration_that_no_camera_has_are_warned_of(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        '[[camera]]\nid = "a"\nurl = "rtsp://192.0.2.1/s"\nlabels = { district = "Tugu" }\n'
        '[retention]\n[[retention.label]]\nmatch = { District = "TUGU" }\nmax_age = "3d"\n'
        '[[retention.label]]\nmatch = { distrik = "Tugu" }\nmax_age = "3d"\n'
        '[[retention.label]]\nmatch = { district = "Tuga" }\nmax_age = "3d"\n[alerts]\nfold_by = ["isp", "distrct"]\n'
    )
    result = CliRunner().invoke(main, ["--config", str(tmp_path / "config.toml"), "check-config"])
    assert result.exit_code == 0, result.output
    told = [line for line in result.output.splitlines() if line.startswith("warning: ")]
    assert [line for line in told if "retention.label" in line or "fold_by" in line] == [
        "warning: [[retention.label]] 2, match: no camera has a label 'distrik': did you mean district?",
        "warning: [[retention.label]] 3, match: no camera has district 'tuga': did you mean Tugu?",
        "warning: [alerts] fold_by: no camera has a label 'distrct': did you mean district?",
    ]
