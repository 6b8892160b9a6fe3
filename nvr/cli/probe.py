"""``nvr probe``: what a camera is and does, before it is recorded; and captures of odd ones."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from nvr.cli.options import config_option
from nvr.cli.terminal import echo
from nvr.sources import AUTO, SOURCES

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from nvr.config import CameraSettings
    from nvr.recorder.probe.capture import Capture
    from nvr.recorder.probe.findings import ProbeReport

__all__ = ["probe"]


def _said(problem: ErrorDetails) -> str:
    """A mistake, with the setting that it is in."""
    return f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"


def _camera(url: str, username: str | None, password: str | None, options: dict[str, object]) -> CameraSettings:
    from pydantic import ValidationError

    from nvr.config import CameraSettings, Secret, redact

    given: dict[str, object] = {"id": "probe", "url": url, **options}
    if username is not None:
        given["username"] = username
    if password is not None:
        given["password"] = Secret(password)
    try:
        return CameraSettings.model_validate(given)
    except ValidationError as error:
        raise click.UsageError(redact("; ".join(_said(problem) for problem in error.errors()))) from None


def _print(found: ProbeReport) -> None:
    def value(number: float | None, text: str) -> str:
        return "-" if number is None else text.format(number)

    rows = [
        ("address", found.url),
        ("read by", f"{SOURCES[found.source].title}, over {found.transport.upper()}"),
        ("video", f"{found.codec or '-'} {found.profile} {found.width} × {found.height}".replace("0 × 0", "")),
        (
            "frames",
            f"{found.frames} in {found.seconds} s, {value(found.frame_rate, '{:.2f} a second')},"
            f" declared {value(found.declared_frame_rate, '{:g}')}",
        ),
        ("bit rate", value(None if found.bitrate_bps is None else found.bitrate_bps / 1000, "{:.0f} kbit/s")),
        ("keyframes", value(found.keyframe_s, "{:.1f} s apart at the most")),
        ("its clock", value(found.clock_offset_s, "{:+.3f} s off this machine's")),
        ("sound", f"{found.audio or 'none'}" + (f", {found.audio_packets} packets" if found.audio_packets else "")),
    ]
    for name, text in rows:
        echo(f"{name:<10} {text.strip()}")
    if found.error:
        echo(f"{'ended':<10} {found.cause}: {found.error}")
    for oddity in found.oddities:
        echo(f"{'odd':<10} {oddity.text}")
    if not found.oddities and not found.error:
        echo(f"{'odd':<10} nothing")


@click.command()
@click.argument("url", required=False)
@click.option("--username", help="The account; if the URL holds one, that.")
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A file whose first line is the password. Without it, NVR_CAMERA_PASSWORD of the environment counts.",
)
@click.option(
    "--transport", type=click.Choice(["tcp", "udp"]), default="tcp", show_default=True, help="As [[camera]] transport."
)
@click.option(
    "--source",
    type=click.Choice([AUTO, *SOURCES]),
    default=AUTO,
    show_default=True,
    help="As [[camera]] source.",
)
@click.option(
    "--tls",
    type=click.Choice(["pin", "verify", "insecure"]),
    default="pin",
    show_default=True,
    help="As [[camera]] tls.",
)
@click.option("--audio", is_flag=True, help="Ask for its sound too.")
@click.option(
    "--seconds", type=click.FloatRange(2, 300), default=9.0, show_default=True, help="How long to look at most."
)
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Save a still picture (JPEG) here.")
@click.option(
    "--capture",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Save what goes over the wire here, without credentials.",
)
@click.option(
    "--replay",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Look at a capture instead of a camera.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@config_option
@click.pass_context
def probe(
    ctx: click.Context,
    url: str | None,
    username: str | None,
    password_file: Path | None,
    transport: str,
    source: str,
    tls: str,
    audio: bool,
    seconds: float,
    picture: Path | None,
    capture: Path | None,
    replay: Path | None,
    as_json: bool,
    config: Path,
) -> None:
    """Connect to a camera and say within ten seconds what it is, what is odd about it and how it would be read.

    Records nothing and needs no configuration. Exits with 1 if no frame came.
    """
    import msgspec

    from nvr import log as logs
    from nvr.recorder.probe.capture import CaptureError, read
    from nvr.recorder.probe.replay import replayed
    from nvr.recorder.probe.run import probe as look

    if (url is None) == (replay is None):
        raise click.UsageError("name a URL, or a capture with --replay")
    password = (
        os.environ.get("NVR_CAMERA_PASSWORD") if password_file is None else password_file.read_text().split("\n")[0]
    )
    options: dict[str, object] = {"transport": transport, "source": source, "tls": tls, "audio": audio}

    lines: TextIO | None = None
    played: Capture | None = None

    async def run() -> tuple[ProbeReport, bytes | None]:
        async with AsyncExitStack() as stack:
            address = url or ""
            if played is not None:
                address = await stack.enter_async_context(replayed(played))
            camera = _camera(address, username if url else None, password if username and url else None, options)
            logs.setup("probe", "error", camera.secrets)
            return await look(camera, seconds=seconds, capture=None if lines is None else lines.write)

    try:
        if replay is not None:
            with replay.open(encoding="utf-8", errors="replace") as captured:
                played = read(captured)
        if capture is not None:
            # It names a camera and shows what it shows: for its owner alone, and never over another one.
            lines = open(os.open(capture, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")  # noqa: SIM115 - closed below
        found, jpeg = asyncio.run(run())
    except CaptureError as error:
        raise click.ClickException(f"{replay} can't be played: {error}") from None
    except OSError as error:
        raise click.ClickException(f"{error.filename or capture}: {error.strerror}") from None
    finally:
        if lines is not None:
            lines.close()
    if as_json:
        echo(msgspec.json.encode(found).decode())
    else:
        _print(found)
    if picture is not None and jpeg is not None:
        # It shows what the camera shows: for its owner alone.
        with open(os.open(picture, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(jpeg)
    ctx.exit(0 if found.frames else 1)
