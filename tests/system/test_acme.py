"""A server that gets its page's certificate from an authority by itself: pebble asks it by plain HTTP."""

from __future__ import annotations

import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nvr.tls.acme_folder import AcmeFolder
from tests.support.pebble import Pebble, pebble_running
from tests.support.server import NVR, Server

NAME = "cctv.nvr-test.org"


def shown(server: Server) -> str:
    """The issuer of what the page shows; empty while it does not listen."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as one,
        ):
            pem = ssl.DER_cert_to_PEM_cert(one.getpeercert(binary_form=True) or b"")
    except OSError:
        return ""
    done = subprocess.run(["openssl", "x509", "-noout", "-issuer"], input=pem, capture_output=True, text=True)
    return done.stdout


@contextmanager
def served(tmp_path: Path, *, validity_s: int) -> Iterator[tuple[Server, Pebble]]:
    """A server that has its certificate from the authority."""
    (tmp_path / "pebble").mkdir()
    with pebble_running(tmp_path / "pebble", validity_s=validity_s) as pebble:
        server = Server(tmp_path, [], workers=1)
        text = server.config.read_text().replace("[server]", f"[server]\nredirect_port = {pebble.http_port}")
        server.config.write_text(
            f'{text}\n[acme]\nnames = ["{NAME}"]\naccept_terms = true\ndirectory = "{pebble.directory}"\n'
            f'ca = "{pebble.ca_file}"\n'
        )
        checked = subprocess.run(
            [NVR, "check-config", "--yes", "--config", server.config], capture_output=True, text=True
        )
        assert checked.returncode == 0, checked.stderr
        server.start()
        try:
            server.until(lambda: "this installation only" in shown(server), what="a page at once")
            server.until(lambda: "Pebble" in shown(server), what="the authority's certificate")
            yield server, pebble
        finally:
            code = server.stop()
        assert code == 0


@pytest.mark.long
def test_the_page_shows_what_the_authority_gave(tmp_path: Path) -> None:
    with served(tmp_path, validity_s=3600) as (server, pebble):
        folder = AcmeFolder(server.catalogue.parent / "tls")
        pair = folder.read()
        assert pair is not None and pair.names == (NAME,) and list(folder.challenges.iterdir()) == []
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with urllib.request.urlopen(f"https://127.0.0.1:{server.port}/api/health", context=context) as answer:
            assert answer.headers["Strict-Transport-Security"] == f"max-age={182 * 86_400}"
        # What nobody asked for is sent to https as anything else.
        opener = urllib.request.build_opener(NoRedirect())
        with pytest.raises(urllib.error.HTTPError) as caught:
            opener.open(f"http://127.0.0.1:{pebble.http_port}/.well-known/acme-challenge/nothing")
        assert caught.value.code == 308
        done = subprocess.run([NVR, "tls", "renew", "--config", server.config], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        by_hand = folder.read()
        assert by_hand is not None and by_hand.fingerprint != pair.fingerprint
        doctor = subprocess.run([NVR, "doctor", "--config", server.config], capture_output=True, text=True)
        assert "renews the certificate of the page" in doctor.stdout


@pytest.mark.long
@pytest.mark.nightly
def test_it_is_renewed_by_itself(tmp_path: Path) -> None:
    # Of a minute and a half: the last third begins after one.
    with served(tmp_path, validity_s=90) as (server, _):
        folder = AcmeFolder(server.catalogue.parent / "tls")
        given = folder.read()
        assert given is not None
        server.until(
            lambda: (now := folder.read()) is not None and now.fingerprint != given.fingerprint,
            timeout_s=240,
            what="it is renewed by itself",
        )
        server.until(lambda: "Pebble" in shown(server), what="the page shows it")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None
