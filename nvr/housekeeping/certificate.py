"""The page's certificate, where an authority gives it: had when it is wanted, and renewed in time.

Invariant: no failure ends this thread or takes away what is there; the catalogue has why one was not had.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from nvr.tls.errors import TlsError
from storage.catalogue import audit
from storage.catalogue.database import Database
from storage.errors import CatalogueError

if TYPE_CHECKING:
    from nvr.tls.acme import AcmeWish

__all__ = ["CertificateKeeper", "wish_of"]

log = logging.getLogger(__name__)

# The page listens by then.
_LOOK_S: Final = 5.0
_BETWEEN_S: Final = 60.0


def wish_of(acme: Mapping[str, Any]) -> AcmeWish:
    """By the settings that the supervisor gives."""
    from nvr.tls.acme import AcmeWish

    return AcmeWish(
        tuple(acme["names"]),
        acme["directory"],
        acme["email"],
        None if acme["ca_file"] is None else Path(acme["ca_file"]),
        tuple(acme["dns_hook"]),
        acme["dns_wait_us"] / 1e6,
    )


class CertificateKeeper(threading.Thread):
    """Looks after the certificate until ``ending``. ``settings``: those of accounting."""

    def __init__(self, settings: Mapping[str, Any], ending: threading.Event) -> None:
        super().__init__(name="certificate", daemon=True)
        self.settings = settings
        self._ending = ending
        self._database = Database(Path(settings["catalogue"]))

    def run(self) -> None:
        """The thread's work."""
        wait_s = _LOOK_S
        while not self._ending.wait(wait_s):
            try:
                self.look()
            except (sqlite3.Error, CatalogueError, OSError) as error:
                log.error("the certificate could not be looked after, will try again: %s", error)
            wait_s = _BETWEEN_S
        self._database.close()

    def look(self) -> bool:
        """Gets one if it is time; says whether it did.

        Raises:
            sqlite3.Error: how it went can't be noted.
        """
        acme = self.settings["acme"]
        if not acme["names"]:
            return False
        # What knows certificates takes ten megabytes: not of who asks no authority.
        from nvr.tls.acme import obtain
        from nvr.tls.acme_folder import AcmeFolder
        from nvr.tls.renewal import is_due, note_renewal, read_renewal

        folder, wish = AcmeFolder(Path(acme["folder"])), wish_of(acme)
        now_us = time.time_ns() // 1000
        with self._database.read() as conn:
            state = read_renewal(conn)
        if not is_due(folder.read(), wish.names, state, is_placeholder=folder.is_placeholder(), now_us=now_us):
            return False
        try:
            pair = obtain(wish, folder)
        except Exception as error:
            if not isinstance(error, (TlsError, OSError)):
                # Of a library that talks to a stranger: the thread goes on, and who asks is told.
                log.exception("no certificate from %s: report this, with these lines", wish.directory)
            said = str(error) or type(error).__name__
            log.error("no certificate from %s, will try again: %s; nvr tls renew tries at once", wish.directory, said)
            with self._database.write() as conn:
                note_renewal(conn, now_us, said)
            return False
        log.info("a certificate of %s for %s", pair.issuer, ", ".join(pair.names))
        with self._database.write() as conn:
            note_renewal(conn, now_us, None)
            detail = {"names": list(pair.names), "certificate_sha256": pair.fingerprint, "new_authority": False}
            audit.append(conn, "page_certificate_made", detail=detail)
        return True
