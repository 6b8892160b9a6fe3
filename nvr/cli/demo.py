"""``nvr demo``: the real server, recording nine virtual cameras at three places, with an order, a case and a page for
citizens.

The cameras are a child process. They run in a session of their own, so that Ctrl-C reaches only the server, which can
then close its segments in peace; they end when their standard input closes, however this process ended.
"""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo

__all__ = ["DemoCamera", "config_text", "demo", "free_port"]

_HOST = "127.0.0.1"
_CAMERAS = [sys.executable, "-P", "-m", "nvr.demo.cameras"]
_START_S = 60.0
_STOP_S = 10.0
# How many ports after the one asked for are tried.
_PORTS = 100


@dataclass(frozen=True, slots=True)
class DemoCamera:
    """A virtual camera, as its process announces it."""

    id: str
    name: str
    url: str
    labels: Mapping[str, str]


@click.command()
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("build/demo"),
    show_default=True,
    help="Where configuration, catalogue and footage of the demo live; an earlier demo's folder is continued.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8080,
    show_default=True,
    help="Where the page is served; if another program has it, the next free port is taken.",
)
@config_option
@click.pass_context
def demo(ctx: click.Context, folder: Path, port: int, config: Path) -> None:
    """Start nine virtual cameras and a server that records them.

    Writes a configuration of its own into the folder; --config is accepted, but not read.
    """
    from nvr.accounts.first import path_of
    from nvr.supervisor import run

    folder = folder.absolute()
    continued = (folder / "data" / "catalogue.sqlite").exists()
    folder.mkdir(parents=True, exist_ok=True)
    with running_cameras(_CAMERAS) as cameras:
        port = free_port(port)
        path = folder / "config.toml"
        path.write_text(config_text(cameras, port), encoding="utf-8")
        echo(f"Page:       http://{_HOST}:{port}/")
        echo(f"Citizens:   http://{_HOST}:{port}/public")
        echo(f"Recording:  {', '.join(camera.name for camera in cameras)}")
        echo(f"Footage:    {folder / 'data' / 'footage'}")
        if continued and not path_of(folder / "data" / "catalogue.sqlite").exists():
            echo(f"Login:      with the password that was set; to begin anew, delete {folder}")
        else:
            echo("Login:      the server prints the admin's password below")
        echo("Stop:       Ctrl-C")
        sys.stdout.flush()
        if not continued:
            command = [sys.executable, "-P", "-m", "nvr.demo.furnish", f"http://{_HOST}:{port}", str(path)]
            with helper(command):
                code = run(path, demo=True)
        else:
            code = run(path, demo=True)
    ctx.exit(code)


@contextmanager
def helper(command: Sequence[str]) -> Iterator[None]:
    """A process that fills a new demo with what people decide, while the server runs; it ends by itself."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        process.wait(_STOP_S)


@contextmanager
def running_cameras(command: Sequence[str]) -> Iterator[list[DemoCamera]]:
    """The virtual cameras, from when they are ready until the block ends.

    Raises:
        click.ClickException: they didn't start.
    """
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        yield _announced(process)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()


def _announced(process: subprocess.Popen[bytes]) -> list[DemoCamera]:
    """Waits for the line by which the cameras say that they are ready."""
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], _START_S)[0]:
        raise click.ClickException(
            f"the virtual cameras were not ready within {_START_S:.0f} s; is the machine overloaded?"
        )
    line = process.stdout.readline()
    try:
        cameras = json.loads(line)["cameras"]
        return [DemoCamera(camera["id"], camera["name"], camera["url"], camera["labels"]) for camera in cameras]
    except (ValueError, KeyError, TypeError):
        said = line.decode(errors="replace").strip() or "nothing"
        raise click.ClickException(
            f"the virtual cameras did not start (they said: {said}); see the lines above"
        ) from None


def free_port(wanted: int, host: str = _HOST) -> int:
    """``wanted``, or the next port after it that nobody listens on.

    Raises:
        click.ClickException: a hundred ports in a row are taken.
    """
    for port in range(wanted, min(wanted + _PORTS, 65536)):
        with socket.socket() as probe:
            # As the server does: a port whose last connections still linger is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise click.ClickException(f"no free port from {wanted} on; name another with --port")


def config_text(cameras: Sequence[DemoCamera], port: int) -> str:
    """The demo's configuration: short segments, so that there is something to see after a minute."""
    sections = [
        "# Written by nvr demo at each start: changes are lost.",
        f'[server]\nhost = "{_HOST}"\nport = {port}\nzone = "Asia/Jakarta"',
        '[storage]\nsegment_duration = "10s"\nfree_space_floor = "1%"',
        '[retention]\nmax_age = "1d"',
        '[[retention.label]]\nmatch = { district = "Genuk" }\nmax_age = "2d"\nmin_age = "12h"',
        "[public]\nenabled = true",
        '[evidence]\nname = "CCTV Kota Semarang (demo)"',
    ]
    for camera in cameras:
        values = {"id": camera.id, "name": camera.name, "url": camera.url}
        lines = [f"{key} = {_toml(text)}" for key, text in values.items()]
        labels = ", ".join(f"{key} = {_toml(text)}" for key, text in camera.labels.items())
        sections.append("\n".join(["[[camera]]", *lines, f"labels = {{ {labels} }}"]))
    return "\n\n".join(sections) + "\n"


def _toml(text: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's, but for DEL and for characters JSON writes as two surrogates."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
