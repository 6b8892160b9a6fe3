"""``nvr gaps``: what is missing, and why."""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from nvr.cli.catalogue import TIME, open_catalogue, table, when
from nvr.cli.options import config_option

__all__ = ["gaps"]


@click.command()
@click.option("--start", type=TIME, required=True, help="ISO 8601 with a zone.")
@click.option("--end", type=TIME, help="ISO 8601 with a zone. [default: now]")
@click.option("--camera", "wanted", multiple=True, help="Only this camera; may be given more than once.")
@click.option("--where", help="Only cameras with these labels, such as district=Tembalang,isp=Telkom.")
@click.option("--format", "format_", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
@config_option
def gaps(start: int, end: int | None, wanted: tuple[str, ...], where: str | None, format_: str, config: Path) -> None:
    """Print every gap in a range with its cause, camera by camera."""
    from nvr.cli.choosing import chosen
    from storage import cameras as camera_rows
    from storage.coverage import coverage

    now_us = time.time_ns() // 1000
    end_us = end if end is not None else now_us
    if end_us <= start:
        raise click.UsageError("the range is empty: --end must be after --start")
    with open_catalogue(config) as (loaded, database):
        found: list[dict[str, Any]] = []
        recorded_us = missing_us = 0
        with database.read() as conn:
            if where is not None:
                wanted = (*wanted, *chosen(conn, where, (), None).ids)
            for id_ in wanted or [camera.id for camera in camera_rows.every(conn)]:
                try:
                    covered = coverage(conn, id_, start, end_us, now_us=now_us)
                except KeyError:
                    raise click.ClickException(f"there is no camera {id_}; nvr cameras lists them") from None
                recorded_us += covered.recorded_us
                missing_us += covered.missing_us
                for gap in covered.gaps:
                    error = _words(gap.detail)
                    found.append(
                        {
                            "camera": id_,
                            "start": when(gap.start_us, "UTC").replace(" ", "T"),
                            "end": when(gap.end_us, "UTC").replace(" ", "T"),
                            "open": gap.open,
                            "duration_s": (gap.end_us - gap.start_us) / 1e6,
                            "cause": gap.cause.value,
                            "class": gap.cause.cause_class.value,
                            "detail": error,
                            "_start_us": gap.start_us,
                            "_end_us": gap.end_us,
                        }
                    )
        zone = loaded.server.zone
    public = [{key: value for key, value in row.items() if not key.startswith("_")} for row in found]
    if format_ == "json":
        click.echo(
            json.dumps({"recorded_s": recorded_us / 1e6, "missing_s": missing_us / 1e6, "gaps": public}, indent=1)
        )
    elif format_ == "csv":
        columns = ["camera", "start", "end", "open", "duration_s", "cause", "class", "detail"]
        writer = csv.DictWriter(sys.stdout, columns)
        writer.writeheader()
        writer.writerows(public)
    else:
        rows = [("CAMERA", "START", "END", "SECONDS", "CAUSE", "DETAIL")]
        for row in found:
            until = "still open" if row["open"] else when(row["_end_us"], zone)
            seconds = f"{row['duration_s']:.3f}"
            rows.append((row["camera"], when(row["_start_us"], zone), until, seconds, row["cause"], row["detail"]))
        table(rows)
        click.echo(f"\n{recorded_us / 1e6:.3f} s recorded, {missing_us / 1e6:.3f} s missing in {len(found)} gaps")


def _words(detail: Mapping[str, Any]) -> str:
    """What a gap's detail says, in one line: the error, or the order's letter and the cause that stays beside it."""
    said = [str(detail[name]) for name in ("error", "letter", "reason") if detail.get(name)]
    if "original_cause" in detail:
        said.append(f"({detail['original_cause']} before)")
    return " ".join(said)
