"""What people decide, for a demo that is new: an order, maintenance, a case with a request that was approved and one
that waits, a link for a recipient. `python -m nvr.demo.furnish URL CONFIG`.

By the same requests that the page makes, as an administrator with a token of their own, which is removed at the end.
All of it says of itself that it is the demo's. What can't be done is left out and said: the demo goes on without.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

__all__ = ["furnish"]

_PATIENCE_S: Final = 120.0
_FOOTAGE_S: Final = 25
_OWN: Final = "demo"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class _Office:
    """Requests of an administrator."""

    def __init__(self, base: str, token: str) -> None:
        self._client = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=30)

    def get(self, path: str) -> Any:
        return self._client.get(path).raise_for_status().json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = self._client.post(path, json=body)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.text[:300]}")
        return answer.json()

    def delete(self, path: str) -> None:
        self._client.delete(path)


def _until(question: Callable[[], Any]) -> Any:
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        try:
            if found := question():
                return found
        except (httpx.HTTPError, KeyError):
            pass
        time.sleep(0.5)
    raise RuntimeError("the server was not ready")


def furnish(base: str, token: str) -> str:
    """Makes all of it; returns the address of the recipient's page.

    Raises:
        RuntimeError: something was refused, or took too long.
        httpx.HTTPError: the server does not answer.
    """
    office = _Office(base, token)
    ready = _until(lambda: [c for c in office.get("/api/cameras")["cameras"] if c["first_footage"]])
    began = min(datetime.fromisoformat(camera["first_footage"]) for camera in ready)
    order = {
        "cameras": ["kaligawe-2"], "letter": "B/4112/500.12/XI/2026", "reason": "Demo: penataan jaringan",
        "approver": "Kepala Dinas Komunikasi dan Informatika",
        "expected_end": _iso(datetime.now(UTC) + timedelta(days=3)),
    }  # fmt: skip
    plan = office.post("/api/orders/preview", order)
    office.post("/api/orders", {**order, "plan_hash": plan["plan_hash"]})
    now = datetime.now(UTC)
    office.post(
        "/api/maintenance",
        {"cameras": ["lawang-sewu"], "reason": "Demo: pembersihan lensa", "start": _iso(now),
         "end": _iso(now + timedelta(hours=1))},
    )  # fmt: skip
    case = office.post(
        "/api/cases",
        {"number": "LP/B/1127/XI/2026/SPKT", "legal_basis": "Sp.Lidik/884/XI/RES.1.8./2026",
         "title": "Demo: pencurian sepeda motor, Simpang Lima"},
    )  # fmt: skip
    end = began + timedelta(seconds=_FOOTAGE_S)
    _until(lambda: datetime.now(UTC) > end + timedelta(seconds=5))
    path = f"/api/cases/{case['id']}/requests"
    asked = {"cameras": ["simpang-lima", "tugu-muda"], "start": _iso(began), "end": _iso(end)}
    first = office.post(path, {**asked, "purpose": "Pencuriannya sendiri"})
    office.post(path, {**asked, "cameras": ["simpang-lima-timur"], "purpose": "Ke mana sepeda motornya kemudian"})
    approved = office.post(f"/api/requests/{first['id']}/approve", {"reason": "Demo"})
    export = approved["export"]
    _until(lambda: office.get(f"/api/exports/{export}")["state"] == "done")
    link = office.post(
        f"/api/exports/{export}/links", {"recipient": "Aiptu Sari W., Inafis (demo)", "expires_s": 7 * 86_400}
    )
    return base + str(link["path"])


def main(base: str, config: str) -> None:
    """The command line."""
    run = "from nvr.cli import main; main()"
    words = ["tokens", "create", "--role", "admin", "--user", "admin", "--name", _OWN, "--config", config]
    try:
        _until(lambda: httpx.get(f"{base}/api/health", timeout=5).json()["status"])
        command = [sys.executable, "-P", "-c", run, *words]
        made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
        token = made.stdout.split()[-1]
        try:
            print(f"Recipient:  {furnish(base, token)}", flush=True)
        finally:
            office = _Office(base, token)
            for one in office.get("/api/tokens")["tokens"]:
                if one["name"] == _OWN:
                    office.delete(f"/api/tokens/{one['id']}")
    except (RuntimeError, httpx.HTTPError, subprocess.SubprocessError, OSError) as error:
        print(f"The demo goes on without its case: {error}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3])
