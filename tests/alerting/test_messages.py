"""What people are told, in both languages: each kind of message once, whole."""

from __future__ import annotations

from typing import Any

import pytest

from nvr.alerting.conditions import AlertKind
from nvr.alerting.messages import Note, compose, facts_of
from nvr.alerting.rows import AlertMember, AlertRow
from nvr.texts import LANGUAGES, Formats

S = 1_000_000
MINUTE = 60 * S
T0 = 1_795_442_400 * S + 123_456  # 2026-11-23T14:00:00.123456Z
NAMES = {"gate": "Gerbang Utara", "p1": "Pos 1", "p2": "p2"}


def member(camera: str, well_us: int | None = None, *, is_required: bool = True) -> AlertMember:
    return AlertMember(camera, T0, T0, well_us, is_required)


def row(**values: Any) -> AlertRow:
    usual: dict[str, Any] = {
        "id": "a1", "kind": "camera_down", "subject": "gate", "since_us": T0, "opened_us": T0, "seen_us": T0,
        "resolved_us": None,
        "flaps": 0, "cameras": ("gate",), "detail": {"cause": "unreachable"}, "members": (member("gate"),),
    }  # fmt: skip
    return AlertRow(**{**usual, **values})


def told(row: AlertRow, event: str, note: Note | None = None, language: Any = "en") -> list[str]:
    message = compose(facts_of(row, event, at_us=T0), NAMES, Formats(language, "Asia/Jakarta"), note)
    return [message.subject, *message.text.splitlines()]


def group(**values: Any) -> AlertRow:
    return row(kind="cameras_down", subject="isp=telkom", **values)


def test_one_camera() -> None:
    assert told(row(detail={"cause": "unreachable", "footage_us": T0 - 60 * MINUTE}, flaps=2), "opened") == [
        "nvr: Camera Gerbang Utara is not being recorded",
        "Camera Gerbang Utara is not being recorded",
        "Since: 23 Nov 2026 21:00:00 WIB (2026-11-23 14:00:00 UTC)",
        "Last recorded: 23 Nov 2026 20:00:00 WIB (2026-11-23 13:00:00 UTC)",
        "Happened again within an hour of its end: 2 ×.",
        "Causes: Camera unreachable",
        "",
        "Alert a1",
    ]
    over = row(resolved_us=T0 + 47 * MINUTE, members=(member("gate", T0 + 47 * MINUTE),))
    assert told(over, "resolved", Note(3 * 60 * MINUTE, 3), "id") == [
        "nvr: selesai: kamera Gerbang Utara terekam kembali",
        "Kamera Gerbang Utara terekam kembali",
        "Sejak: 23 Nov 2026 21:00:00 WIB (2026-11-23 14:00:00 UTC)",
        "Selesai: 23 Nov 2026 21:47:00 WIB (2026-11-23 14:47:00 UTC), setelah 47 mnt",
        "Penyebab: Kamera tidak terjangkau",
        "",
        "Pesan ini terlambat 3 jam: sebelumnya tidak dapat terkirim.",
        "3 pesan sebelumnya tidak dapat terkirim dan dibuang. Halaman peringatan menampilkan semuanya.",
        "Peringatan a1",
    ]
    left = row(
        resolved_us=T0 + MINUTE,
        members=(member("gate", T0 + MINUTE, is_required=False),),
        detail={"ended": {"disabled": 1}},
    )
    assert told(left, "resolved")[0] == "nvr: closed: camera Gerbang Utara need not be recorded any more"
    assert "Why: Switched off by order" in told(left, "resolved")


def test_a_group() -> None:
    down = group(
        cameras=("p1", "p2"),
        members=(member("p1"), member("p2")),
        detail={"down": 2, "of": 9, "causes": {"stalled": 2}},
    )
    assert told(down, "opened", language="id")[:1] == ["nvr: 2 dari 9 kamera tidak terekam (isp=telkom)"]
    assert told(down, "changed", language="id")[:1] == ["nvr: sekarang 2 dari 9 kamera tidak terekam (isp=telkom)"]
    assert told(down, "opened")[-5:] == [
        "Cameras:", "- Pos 1 (p1): since 23 Nov 2026 21:00:00 WIB", "- p2: since 23 Nov 2026 21:00:00 WIB", "",
        "Alert a1",
    ]  # fmt: skip
    parted = group(
        cameras=("p2",),
        members=(member("p1", T0 + MINUTE), member("p2")),
        resolved_us=T0 + 15 * MINUTE,
        detail={"down": 1, "of": 9},
    )
    assert told(parted, "parted") == [
        "nvr: 1 of 2 cameras are being recorded again, still not: 1 (isp=telkom)",
        "1 of 2 cameras are being recorded again, still not: 1 (isp=telkom)",
        "Since: 23 Nov 2026 21:00:00 WIB (2026-11-23 14:00:00 UTC)",
        "As of: 23 Nov 2026 21:15:00 WIB (2026-11-23 14:15:00 UTC), after 15 min",
        "",
        "Still not being recorded; from now on each is an alert of its own:",
        "- p2: since 23 Nov 2026 21:00:00 WIB",
        "",
        "Alert a1",
    ]
    mixed = group(
        members=(member("p1", T0 + MINUTE), member("p2", T0 + 2 * MINUTE, is_required=False)),
        resolved_us=T0 + 2 * MINUTE, detail={"ended": {"maintenance": 1}},
    )  # fmt: skip
    assert told(mixed, "resolved")[0] == (
        "nvr: over: 1 of 2 cameras are being recorded again, 1 need not be any more (isp=telkom)"
    )
    assert told(mixed, "resolved")[-4:-2] == [
        "- p2: need not be recorded since 23 Nov 2026 21:02:00 WIB",
        "- Pos 1 (p1): recorded again at 23 Nov 2026 21:01:00 WIB",
    ]


def test_a_name_of_several_lines_is_one_subject() -> None:
    message = compose(facts_of(row(), "opened", at_us=T0), {"gate": "a\r\nBcc: x"}, Formats("en", "UTC"))
    assert message.subject == "nvr: Camera a Bcc: x is not being recorded"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", AlertKind)
def test_every_kind_has_words_for_its_begin_and_its_end(kind: AlertKind, language: Any) -> None:
    for cameras in ((), ("gate",), ("gate", "p1")):
        one = row(kind=kind, cameras=cameras, detail={}, members=())
        begin = told(one, "opened", language=language)
        end = told(
            row(kind=kind, cameras=cameras, detail={}, members=(), resolved_us=T0 + 1), "resolved", language=language
        )
        assert begin[0] != end[0]
        assert not any("{" in line for line in [*begin, *end])
        assert kind is AlertKind.CAMERAS_DOWN or "1 cameras" not in begin[0]
