"""Real receivers of messages: a mail server and a web server that take, refuse, hang and come back."""

from __future__ import annotations

import email
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from nvr.alerting.sending import Post

__all__ = ["LONG_PASSWORD", "SECRET", "Hook", "Inbox", "hook", "inbox", "send_all"]

SECRET = "h00k-secret"
LONG_PASSWORD = "s3cret-mail-word"


class Inbox:
    """What a mail server took, and from whom it refuses what: ``refuse`` all for now; ``no_such``
    recipients for good."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[EmailMessage] = []
        self.refuse = False
        self.no_such: set[str] = set()
        self.no_such_says = "550 5.1.1 no such user"
        self.poison = ""
        self.asked = 0

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.asked += 1
        if address in self.no_such:
            return self.no_such_says
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return "451 4.3.0 not now"
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        assert envelope.rcpt_tos == [mail["To"]]
        if self.poison and self.poison in mail["Subject"]:
            return "554 5.7.1 this looks like spam"
        self.mails.append(mail)
        return "250 OK"

    def to(self, address: str) -> list[str]:
        """Subjects of one recipient's mail, in the order in which it came."""
        return [mail["Subject"] for mail in list(self.mails) if mail["To"] == address]


@contextmanager
def inbox() -> Iterator[Inbox]:
    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password in (b"right", LONG_PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    handler = Inbox(port)
    controller = Controller(
        handler, hostname="127.0.0.1", port=port, authenticator=authenticate, auth_require_tls=False
    )
    controller.start()
    try:
        yield handler
    finally:
        controller.stop()


class Hook:
    """What was posted to a web server. ``posts`` are those that it answered as accepted; ``hang`` lets it take what
    comes and not answer until it is set."""

    def __init__(self) -> None:
        self.posts: list[dict[str, Any]] = []
        self.seen: list[dict[str, Any]] = []
        self.answer = 204
        self.go_on = threading.Event()
        self.go_on.set()
        mine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                signed = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
                assert self.headers["X-Nvr-Signature"] == signed
                assert self.headers["Content-Type"] == "application/json"
                told = json.loads(body)
                assert self.headers["X-Nvr-Delivery"] == told["delivery"]
                mine.seen.append(told)
                if not mine.go_on.is_set():
                    mine.go_on.wait(60)
                    # Whoever asked has gone.
                    return
                if mine.answer < 300:
                    mine.posts.append(told)
                self.send_response(mine.answer)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/in/very-secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def events(self) -> list[tuple[str, str, str]]:
        return [(told["event"], told["kind"], told["subject"]) for told in list(self.posts)]


@contextmanager
def hook() -> Iterator[Hook]:
    made = Hook()
    try:
        yield made
    finally:
        made.go_on.set()
        made.server.shutdown()
        made.server.server_close()


def send_all(post: Post) -> None:
    """Sends all that waits, on this thread, each as far as its recipient accepts it."""
    for queue in list(post.queues.values()):
        while queue.attempt() == 0.0:
            pass
