"""Certificates of an authority that speaks ACME: pebble, a real one, asked by HTTP and by the DNS."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nvr.doctor.finding import DoctorHealth
from nvr.doctor.service import renewal
from nvr.tls.acme import AcmeWish, obtain
from nvr.tls.acme_folder import AcmeFolder, is_token
from nvr.tls.dns_hook import run_hook
from nvr.tls.errors import TlsError
from nvr.tls.pair import Pair, make_context, read_pair
from nvr.tls.renewal import RenewalState, is_due, note_renewal, read_renewal
from storage.catalogue.database import Database
from tests.support.pebble import Pebble, pebble_running
from tests.support.ports import free_port

NAMES = ("cctv.nvr-test.org", "kamera.nvr-test.org")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@pytest.fixture(scope="module")
def pebble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pebble]:
    with pebble_running(tmp_path_factory.mktemp("pebble")) as running:
        yield running


@contextmanager
def answering(folder: AcmeFolder, port: int) -> Iterator[list[str]]:
    """A server at the port that the authority asks."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            answer = folder.answer(self.path.removeprefix("/.well-known/acme-challenge/"))
            self.send_response(404 if answer is None else 200)
            self.end_headers()
            self.wfile.write(answer or b"")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield asked
    finally:
        server.shutdown()
        server.server_close()


def wish(pebble: Pebble, *names: str, hook: tuple[str, ...] = ()) -> AcmeWish:
    return AcmeWish(names or NAMES, pebble.directory, "it@nvr-test.org", pebble.ca_file, hook, 0.0)


def test_by_http_and_again_with_the_same_account(pebble: Pebble, tmp_path: Path) -> None:
    folder = AcmeFolder(tmp_path / "tls")
    assert folder.read() is None and folder.place_holder(NAMES, "city") and folder.is_placeholder()
    assert not folder.place_holder(NAMES, "city")
    before = folder.read()
    with answering(folder, pebble.http_port) as asked:
        first = obtain(wish(pebble), folder)
        assert len(asked) >= len(NAMES)
        assert set(first.names) == set(NAMES) and "Pebble" in first.issuer and first != before
        assert not folder.is_placeholder() and folder.read() == first
        account = folder.account.read_bytes()
        second = obtain(wish(pebble, NAMES[0]), folder)
    assert second.names == (NAMES[0],) and second.fingerprint != first.fingerprint
    assert folder.account.read_bytes() == account, "the authority knows who asks"
    make_context(folder.pair, folder.pair)
    assert list(folder.challenges.iterdir()) == []
    for file, mode in ((folder.pair, 0o600), (folder.account, 0o600), (folder.path, 0o700), (folder.challenges, 0o700)):
        assert file.stat().st_mode & 0o777 == mode, file
    assert sorted(path.name for path in folder.path.iterdir()) == ["acme-account.key", "acme.pem", "challenges"]


def test_by_the_dns_for_all_names_below_one(pebble: Pebble, tmp_path: Path) -> None:
    folder, hook = AcmeFolder(tmp_path / "tls"), pebble.hook(tmp_path)
    waited: list[float] = []
    made = obtain(wish(pebble, "*.dns.nvr-test.org", "b.nvr-test.org", hook=hook), folder, sleep=waited.append)
    assert set(made.names) == {"*.dns.nvr-test.org", "b.nvr-test.org"} and waited == [0.0]
    told = (tmp_path / "hook.log").read_text().split("\n")[:-1]
    records = ["_acme-challenge.b.nvr-test.org", "_acme-challenge.dns.nvr-test.org"]
    assert sorted(told[:2]) == [f"set {name}" for name in records]
    assert sorted(told[2:]) == [f"remove {name}" for name in records]


def test_who_can_t_show_it_keeps_what_was_there(pebble: Pebble, tmp_path: Path) -> None:
    folder = AcmeFolder(tmp_path / "tls")
    folder.place_holder(NAMES, "city")
    before = folder.pair.read_bytes()
    # Nobody answers at that port.
    with pytest.raises(TlsError, match=r"could not see that the names are ours: .*nvr-test\.org"):
        obtain(wish(pebble), folder)
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\necho "no key for $2" >&2\nexit 3\n')
    hook.chmod(0o700)
    with pytest.raises(TlsError, match=r"ended with 3: no key for _acme-challenge\.(cctv|kamera)"):
        obtain(wish(pebble, hook=(str(hook),)), folder)
    with pytest.raises(TlsError, match="offers no such proof"):
        obtain(wish(pebble, "*.nvr-test.org"), folder)
    assert folder.pair.read_bytes() == before and list(folder.challenges.iterdir()) == []


def test_an_authority_that_is_away_or_another_s_says_so(pebble: Pebble, tmp_path: Path) -> None:
    folder = AcmeFolder(tmp_path / "tls")
    away = AcmeWish(NAMES, f"https://127.0.0.1:{free_port()}/dir", None, pebble.ca_file)
    with pytest.raises(TlsError, match="could not be reached"):
        obtain(away, folder)
    # One that browsers don't know is not believed without its certificate.
    with pytest.raises(TlsError, match="could not be reached"):
        obtain(AcmeWish(NAMES, pebble.directory), folder)
    with pytest.raises(TlsError, match=r"could not be reached|makes no sense"):
        obtain(AcmeWish(NAMES, pebble.directory.replace("/dir", "/nothing"), None, pebble.ca_file), folder)
    folder.account.write_text("no key")
    with pytest.raises(TlsError, match="is no key"):
        obtain(wish(pebble), folder)


def test_accounts_that_are_made_elsewhere_are_not_ours(tmp_path: Path) -> None:
    more = {"externalAccountBindingRequired": True, "externalAccountMACKeys": {}}
    with pebble_running(tmp_path, more=more) as pebble, pytest.raises(TlsError, match="made elsewhere"):
        obtain(wish(pebble), AcmeFolder(tmp_path / "tls"))


def test_a_hook_gets_nothing_of_ours_but_where_programs_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVR_SECRET", "hush")
    hook = tmp_path / "hook"
    hook.write_text(f'#!/bin/sh\nenv > {tmp_path}/env\nprintf "%s\\n" "$@" > {tmp_path}/args\n')
    hook.chmod(0o700)
    run_hook((str(hook), "--zone", "a b"), "set", "_acme-challenge.x", "$(id) `id`; x")
    assert (tmp_path / "args").read_text() == "--zone\na b\nset\n_acme-challenge.x\n$(id) `id`; x\n"
    assert "hush" not in (tmp_path / "env").read_text()
    with pytest.raises(TlsError, match="can't be started"):
        run_hook((str(tmp_path / "nothing"),), "set", "a", "b")


@given(st.text(max_size=140))
def test_only_a_token_is_a_file_s_name(text: str) -> None:
    assert not is_token(text) or not (set(text) & set("./\\\0") or text == "")


def test_what_nobody_asked_for_is_not_answered(tmp_path: Path) -> None:
    folder = AcmeFolder(tmp_path / "tls")
    folder.make()
    (folder.path / "secret").write_text("hush")
    (folder.challenges / "token_1-A").write_text("proof")
    assert folder.answer("token_1-A") == b"proof"
    for token in ("../secret", "..%2fsecret", "", ".", "other", "a/b", "x" * 200, "token_1-A\n"):
        assert folder.answer(token) is None


def pair(starts_us: int, ends_us: int, *names: str) -> Pair:
    return Pair(names or NAMES, "CN=R11", starts_us, ends_us, "ab")


def test_when_it_is_due() -> None:
    state, now = RenewalState(), 1000 * DAY_US
    assert is_due(None, NAMES, state, is_placeholder=False, now_us=now)
    good = pair(now - 20 * DAY_US, now + 70 * DAY_US)
    assert not is_due(good, NAMES, state, is_placeholder=False, now_us=now)
    assert not is_due(good, tuple(reversed(NAMES)), state, is_placeholder=False, now_us=now)
    assert is_due(good, NAMES, state, is_placeholder=True, now_us=now)
    assert is_due(good, ("other.org",), state, is_placeholder=False, now_us=now)
    # The last third, however long it lasts.
    for days in (6, 45, 90):
        one = pair(now, now + days * DAY_US)
        third = now + days * DAY_US * 2 // 3
        assert not is_due(one, NAMES, state, is_placeholder=False, now_us=third)
        assert is_due(one, NAMES, state, is_placeholder=False, now_us=third + 1)


def test_one_that_was_given_and_is_wanted_again_waits_some_hours() -> None:
    """By an authority that adds names of its own, or a clock that is ahead, its limits would be used up in minutes."""
    now = 1000 * DAY_US
    late, given = pair(now - 80 * DAY_US, now + 10 * DAY_US), RenewalState(now)
    assert not is_due(late, NAMES, given, is_placeholder=False, now_us=now + 60_000_000)
    assert is_due(late, NAMES, given, is_placeholder=False, now_us=now + 6 * 3_600_000_000)
    assert is_due(late, ("other.org",), given, is_placeholder=False, now_us=now + 60_000_000), "other names are news"
    assert is_due(None, NAMES, given, is_placeholder=False, now_us=now + 60_000_000)
    assert not is_due(pair(now, now + 90 * DAY_US, *NAMES, "www.x"), NAMES, given, is_placeholder=False, now_us=now)
    # An authority of one's own, with certificates of a minute and a half.
    short = pair(now - 70_000_000, now + 20_000_000)
    assert is_due(short, NAMES, RenewalState(now - 9_000_000), is_placeholder=False, now_us=now)
    assert not is_due(short, NAMES, RenewalState(now - 8_000_000), is_placeholder=False, now_us=now)


def test_failures_make_it_ask_less_often_and_never_stop() -> None:
    now, waits = 1000 * DAY_US, []
    for failures in range(1, 40):
        state = RenewalState(None, "why", now, failures)
        wait = next(
            minutes
            for minutes in range(15, 361)
            if is_due(None, NAMES, state, is_placeholder=False, now_us=now + minutes * 60_000_000)
        )
        assert not is_due(None, NAMES, state, is_placeholder=False, now_us=now + (wait - 1) * 60_000_000)
        waits.append(wait)
    assert waits[:6] == [15, 30, 60, 120, 240, 360] and waits[-1] == 360
    # A clock that was set back waits for nothing.
    assert is_due(None, NAMES, RenewalState(None, "why", now, 9), is_placeholder=False, now_us=now - DAY_US)


def test_people_are_told_before_the_end_however_long_it_lasts() -> None:
    for days, told in ((800, 21), (90, 21), (45, 11.25), (6, 1.5)):
        one = pair(0, days * DAY_US)
        at = int((days - told) * DAY_US)
        assert not one.ends_soon(at) and one.ends_soon(at + 1)
        assert is_due(one, NAMES, RenewalState(), is_placeholder=False, now_us=at), "it was asked for before"


def test_how_it_went_is_kept_and_the_doctor_says_what_to_do(tmp_path: Path) -> None:
    database = Database(tmp_path / "catalogue.sqlite")
    database.migrate()
    with database.write() as conn:
        assert read_renewal(conn) == RenewalState()
        note_renewal(conn, 5, None)
        note_renewal(conn, 6, "no way")
        assert note_renewal(conn, 7, "no way") == read_renewal(conn) == RenewalState(5, "no way", 7, 2)
        assert note_renewal(conn, 9, None) == RenewalState(9)
    database.close()
    failed = RenewalState(5, "no way", 7, 2)
    assert renewal(failed, is_placeholder=True).health is DoctorHealth.WRONG
    found = renewal(failed, is_placeholder=False)
    assert found.health is DoctorHealth.NOTICE and "no way" in str(found.what) and "nvr tls renew" in str(found.advice)
    assert renewal(RenewalState(), is_placeholder=True).health is DoctorHealth.NOTICE
    assert renewal(RenewalState(9), is_placeholder=False).health is DoctorHealth.GOOD


def test_the_pair_is_one_file(tmp_path: Path) -> None:
    folder = AcmeFolder(tmp_path / "tls")
    folder.place_holder(["*.nvr-test.org", "192.0.2.1"], "city")
    assert read_pair(folder.pair, folder.pair).names == ("*.nvr-test.org", "192.0.2.1")
    folder.pair.write_text("half of it")
    assert folder.read() is None and folder.place_holder(NAMES, "city") and folder.is_placeholder()
