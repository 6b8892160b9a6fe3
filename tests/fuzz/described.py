"""Requests that schemathesis generates from the OpenAPI description, to the server's own process, in every role."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["ask_as_described"]

_CHECKS: Final = "no_fault,status_code_conformance,content_type_conformance,response_schema_conformance"
# Connects to whatever it is told to; ends who asks.
_LEFT_OUT: Final = r"/api/probe$|/api/logout"
_TOP: Final = Path(__file__).parents[2]


def ask_as_described(port: int, token: str | None, describing: str, seconds: float, seed: int) -> tuple[bool, str]:
    """Whether nothing was wrong, and what schemathesis says. ``describing``: a token that may read the description."""
    import httpx

    url = f"http://127.0.0.1:{port}"
    schema = httpx.get(f"{url}/api/schema", headers={"Authorization": f"Bearer {describing}"}, timeout=180)
    schema.raise_for_status()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "schema.json")
        path.write_bytes(schema.content)
        words = [sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", url, "--checks", _CHECKS]
        words += ["--phases", "examples,coverage,fuzzing", "--max-time", str(round(seconds)), "--seed", str(seed)]
        words += ["--exclude-path-regex", _LEFT_OUT, "--max-failures", "20", "--no-shrink", "--warnings", "off"]
        words += ["--suppress-health-check", "all", "--request-timeout", "30"]
        if token is not None:
            words += ["--header", f"Authorization:Bearer {token}"]
        done = subprocess.run(
            words,
            cwd=folder,
            env={**os.environ, "SCHEMATHESIS_HOOKS": "tests.fuzz.checks", "PYTHONPATH": str(_TOP)},
            capture_output=True,
            text=True,
            timeout=seconds + 120,
        )
    return done.returncode == 0, done.stdout + done.stderr
