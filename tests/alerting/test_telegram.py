"""Messages by a Telegram bot: a server that answers as Telegram's Bot API says it does."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nvr.alerting.channels import AlertMessage, DeliveryError, Telegram, Webhook, channels
from nvr.alerting.settings import to_wire
from nvr.config import ConfigError, load
from tests.support.ports import free_port

TOKEN = "123456:AAbbccddeeff_gghhii-jjkkll"
MESSAGE = AlertMessage("Cameras down: 12 of Telkom", "since 14:05\ngate-1, gate-2")


@dataclass
class Bot:
    """What came, and what is answered: Telegram's description of an error, or nothing."""

    url: str
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answer: tuple[int, str] = (200, "")


@pytest.fixture
def bot() -> Iterator[Bot]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.headers["Content-Type"] == "application/json"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, why = made.answer
            if status == 200 and not 1 <= len(body["text"]) <= 4096:
                status, why = 400, "Bad Request: message is too long"
            made.got.append((self.path, body))
            said = {"ok": True, "result": {}} if status == 200 else {"ok": False, "description": why}
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", f"{made.url}/elsewhere")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
    made = Bot(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def configured(tmp_path: Path, lines: str) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(f"[alerts]\n{lines}\n")
    path.chmod(0o600)
    return path


def test_each_chat_gets_the_message_as_telegram_wants_it(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "bot").write_text(TOKEN + "\n")
    (tmp_path / "bot").chmod(0o600)
    chats = 'telegram_chats = ["-1001234567890", "@semarang_cctv"]'
    path = configured(tmp_path, f'telegram_token_file = "bot"\n{chats}\ntelegram_api = "{bot.url}"')
    made = channels(to_wire(load(path).alerts, "UTC"))
    assert [one.recipient for one in made] == ["telegram:-1001234567890", "telegram:@semarang_cctv"]
    for one in made:
        one.send(MESSAGE, {}, "d1")
        assert TOKEN not in repr(one)
    assert [path for path, _ in bot.got] == [f"/bot{TOKEN}/sendMessage"] * 2
    assert bot.got[0][1] == {"chat_id": "-1001234567890", "text": f"{MESSAGE.subject}\n\n{MESSAGE.text}"}
    assert bot.got[1][1]["chat_id"] == "@semarang_cctv"


def test_a_long_message_is_cut_to_what_it_takes(bot: Bot) -> None:
    Telegram("1", TOKEN, bot.url).send(AlertMessage("s", "ä" * 10_000), {}, "d1")
    assert len(bot.got[0][1]["text"]) == 4096 and bot.got[0][1]["text"].endswith("…")


@pytest.mark.parametrize(
    ("status", "why", "is_refusal"),
    [
        (400, "Bad Request: chat not found", True),
        (401, "Unauthorized", False),
        (403, "Forbidden: bot was blocked by the user", False),
        (429, "Too Many Requests: retry after 5", False),
        (502, "Bad Gateway", False),
    ],
)
def test_what_it_says_is_told_and_the_token_is_not(bot: Bot, status: int, why: str, is_refusal: bool) -> None:
    bot.answer = (status, why)
    with pytest.raises(DeliveryError) as caught:
        Telegram("1", TOKEN, bot.url).send(MESSAGE, {}, "d1")
    assert str(caught.value) == f"Telegram answered {status}: {why}" and caught.value.is_refusal is is_refusal
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_nobody_is_followed_elsewhere(bot: Bot, status: int) -> None:
    """What is sent, and the token, would go to whom nobody named."""
    bot.answer = (status, "")
    for channel in (Telegram("1", TOKEN, bot.url), Webhook(f"{bot.url}/hook", "s3cret")):
        with pytest.raises(DeliveryError, match=f"answered {status}"):
            channel.send(MESSAGE, {}, "d1")
    assert [path for path, _ in bot.got] == [f"/bot{TOKEN}/sendMessage", "/hook"]


def test_nothing_of_a_conversation_is_logged(bot: Bot) -> None:
    """As the process that sends it logs, with all that can be switched on: an address is a secret of both."""
    code = f"""
from nvr import log
from nvr.alerting.channels import AlertMessage, Telegram, Webhook
log.setup("accounting", "debug")
Telegram("1", {TOKEN!r}, {bot.url!r}).send(AlertMessage("s", "t"), {{}}, "d1")
Webhook({bot.url + "/hooks/T0/secret-in-a-path?key=hush"!r}, "s3cret").send(AlertMessage("s", "t"), {{}}, "d1")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert [path for path, _ in bot.got] == [f"/bot{TOKEN}/sendMessage", "/hooks/T0/secret-in-a-path?key=hush"]
    assert done.stdout + done.stderr == ""


def test_one_that_is_away_is_tried_again_without_the_token_in_the_log() -> None:
    with pytest.raises(DeliveryError) as caught:
        Telegram("1", TOKEN, f"http://127.0.0.1:{free_port()}").send(MESSAGE, {}, "d1")
    assert not caught.value.is_refusal and TOKEN not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        (f'telegram_token = "{TOKEN}"', "has no telegram_chats"),
        ('telegram_chats = ["-1"]', "has no telegram_token"),
        (f'telegram_token = "{TOKEN}"\ntelegram_chats = ["semarang"]', "is no chat"),
        ('telegram_token = "hush-hush"\ntelegram_chats = ["-1"]', "is no token"),
    ],
)
def test_a_mistake_in_it_is_named_without_the_token(tmp_path: Path, lines: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what) as caught:
        load(configured(tmp_path, lines))
    assert TOKEN not in str(caught.value) and "hush-hush" not in str(caught.value)
