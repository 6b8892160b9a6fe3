"""``rtsps``: TLS to a camera, whose certificate is held to what was seen first, or verified, by the camera's setting
``tls``.

Cameras sign their certificates themselves, so ``pin`` is the rule: the first one seen is entered
(``storage.catalogue.devices``), and another one is refused until a person accepts it. Nothing is sent to a camera
before its certificate was judged.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from typing import Final

from nvr.config import RecordedCamera
from nvr.recorder.sources.rtp.errors import CertificateError
from nvr.recorder.sources.rtsp.ledger import LEDGER, Ledger
from storage.catalogue.logins import device_of

__all__ = ["Tls"]


def _context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Tls:
    """What a connection to one camera asks of its certificate."""

    def __init__(self, camera: RecordedCamera, ledger: Ledger = LEDGER) -> None:
        self._camera = camera.id
        self._policy: Final = camera.tls
        self._ledger = ledger
        self.context: Final = _context(camera.tls == "verify")

    async def judge(self, transport: asyncio.Transport, host: str, port: int) -> None:
        """Compares the certificate of a connection that stands with the one known, which it becomes if there is none.

        Raises:
            CertificateError: it is another one.
        """
        if self._policy != "pin":
            return
        tls = transport.get_extra_info("ssl_object")
        der = tls.getpeercert(binary_form=True)
        shown = hashlib.sha256(der or b"").hexdigest()
        device = device_of(f"rtsps://[{host}]:{port}" if ":" in host else f"rtsps://{host}:{port}")
        known = await self._ledger.learn_certificate(device, shown)
        if known.certificate == shown:
            if known.offered is not None:
                await self._ledger.offered(device, None, self._camera)
            return
        await self._ledger.offered(device, shown, self._camera)
        raise CertificateError(
            f"the camera's certificate is another one than before (SHA-256 {shown[:16]}…,"
            f" not {(known.certificate or '')[:16]}…);"
            " if the camera was replaced or reset, accept it"
        )
