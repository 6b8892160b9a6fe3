"""The command that makes records in the DNS for an authority to see.

It is called with ``set`` or ``remove``, the record's name and its value, without a shell and with no more of our
environment than ``PATH`` and ``HOME``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from typing import Final, Literal

from nvr.tls.errors import TlsError

__all__ = ["run_hook"]

_PATIENCE_S: Final = 300
_LONGEST_ERROR: Final = 300


def run_hook(command: Sequence[str], what: Literal["set", "remove"], name: str, value: str) -> None:
    """Has a TXT record made or removed.

    Raises:
        TlsError: the command failed, or takes too long; says what it said.
    """
    environment = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    try:
        done = subprocess.run(
            [*command, what, name, value],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE_S,
            env=environment,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise TlsError(f"dns_hook {command[0]} {what} takes longer than {_PATIENCE_S} s") from None
    except OSError as error:
        raise TlsError(f"dns_hook {command[0]} can't be started: {error.strerror}") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())[-_LONGEST_ERROR:]
        raise TlsError(f"dns_hook {command[0]} {what} {name} ended with {done.returncode}: {said}")
