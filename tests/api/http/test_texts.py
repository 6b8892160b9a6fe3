"""Texts that people enter, by whichever way: none is kept that could do something to a terminal, and none is printed
so."""

from __future__ import annotations

import inspect
import json
import re
import time
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect as shapes
import pytest
from click.testing import CliRunner
from litestar import Litestar
from litestar.routes import HTTPRoute
from litestar.testing import AsyncTestClient

from nvr import accounts
from nvr.accounts.rows import Role
from nvr.alerting import rows as alerts
from nvr.alerting.rows import AlertRow
from nvr.cameras import plan_import, public_view, read
from nvr.cases import cases, links, requests
from nvr.cases.requests import RequestState
from nvr.cli import main
from nvr.cli.catalogue import table
from nvr.cli.terminal import echo, safe_json
from nvr.config import load
from nvr.config.errors import ConfigError
from nvr.orders import register
from nvr.orders.model import DirectiveKind, Draft
from storage.catalogue import selection
from storage.retention import by_person, holds
from storage.texts import TextError, escaped, many_lines, one_line
from tests.api.catalogue import NOW, T0, World
from tests.support.people import create_token, person

Client = AsyncTestClient[Litestar]
TOP = Path(__file__).parents[3]
S = 1_000_000
BY = person("ines")

# ESC, BEL, a C1 control, overrides and isolates, zero width, separators, a tag, NUL.
WRONG = ["\x1b[2J", "\x07", "\x9b2J", "\u202e", "\u2066", "\u200b", "\u2028", "\u2029", "\U000e0041", "\x00", "\ufeff"]
# Letters and symbols that are not seen, what is no character, and marks that hide something by their number.
WRONG += ["\u3164", "\u115f", "\uffa0", "\u2800", "\u034f", "\ufffe", "\ufe0f\ufe0e", "\u200d\u200d", " \u200c"]
FINE = ["plain", "Jl. Pemuda № 5", "جدید", "क्‍ष", "👩‍👩‍👧", "日本語", "é", "e\u0301"]
FINE += ["👩\u200d❤\ufe0f\u200d👩", "葛\U000e0100城", "می\u200cخواهم"]


@pytest.mark.parametrize("wrong", [*WRONG, "\n", "\r", "\t", "\ud800"])
def test_one_line_is_one_line(wrong: str) -> None:
    with pytest.raises(TextError, match=r"the title must be one line of printable characters: U\+"):
        one_line("the title", f"a{wrong}b")


@pytest.mark.parametrize("wrong", WRONG)
def test_several_lines_hold_nothing_else(wrong: str) -> None:
    with pytest.raises(TextError):
        many_lines("the reason", f"a\n{wrong}b")


@pytest.mark.parametrize("text", FINE)
def test_what_people_write_is_kept_as_it_is(text: str) -> None:
    assert one_line("x", f"  {text} ") == many_lines("x", f"\r\n{text}\n") == escaped(text) == text
    assert one_line("x", "a\u00a0b\u3000c") == "a b c"
    assert many_lines("x", "a\r\nb") == "a\nb"


@pytest.mark.parametrize("wrong", ["anna\u200d", "\u200danna", "\ufe0f", "anna\u200d\u200d", "\u3164"])
def test_no_two_texts_look_the_same_by_marks_that_are_not_seen(wrong: str) -> None:
    for rule in (one_line, many_lines):
        with pytest.raises(TextError, match=r"U\+"):
            rule("the name", wrong)


def test_length_is_bounded() -> None:
    for rule, most in ((one_line, 200), (many_lines, 2000)):
        assert len(rule("x", "é" * most)) == most
        with pytest.raises(TextError, match="longer"):
            rule("x", "é" * (most + 1))
        with pytest.raises(TextError, match="missing"):
            rule("x", " ")


@pytest.mark.parametrize("wrong", WRONG)
def test_no_query_has_one(wrong: str) -> None:
    """Queries stand in addresses too, and what is looked at by them in the audit log."""
    for text in (f"zone=a{wrong}b", f"zo{wrong}ne=b", f'"a{wrong}"', f"{wrong}*"):
        with pytest.raises(selection.SelectionError):
            selection.parse(text)


# -- By HTTP: every text of every body


def example(kind: shapes.Type, text: str) -> Any:
    """A value of this type with ``text`` as each of its texts; the first of several types."""
    match kind:
        case shapes.UnionType(types=types):
            return example(next((t for t in types if not isinstance(t, shapes.NoneType)), types[0]), text)
        case shapes.StructType(fields=fields):
            return {field.encode_name: example(field.type, text) for field in fields}
        case shapes.ListType(item_type=item) | shapes.CollectionType(item_type=item):
            return [example(item, text)]
        case shapes.DictType(value_type=value):
            return {"x": example(value, text)}
        case shapes.StrType():
            return text
        case shapes.EnumType(cls=cls):
            return next(iter(cls)).value
        case shapes.LiteralType(values=values):
            return values[0]
        case shapes.BoolType():
            return False
        case shapes.IntType() | shapes.FloatType():
            return 1
        case _:
            return text


def places(value: Any) -> Iterator[list[Any]]:
    """Where texts are in a body."""
    if isinstance(value, str):
        yield []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from ([key, *rest] for rest in places(inner))


def put(value: Any, place: list[Any], text: str) -> Any:
    if not place:
        return text
    copied = value.copy()
    copied[place[0]] = put(value[place[0]], place[1:], text)
    return copied


def bodies(app: Litestar) -> Iterator[tuple[str, str, Any]]:
    for route in app.routes:
        assert isinstance(route, HTTPRoute)
        for handler in route.route_handlers:
            function = inspect.unwrap(handler.fn)
            if "data" not in function.__annotations__:
                continue
            kind = eval(str(function.__annotations__["data"]), function.__globals__)
            while typing.get_origin(kind) is typing.Annotated:
                kind = typing.get_args(kind)[0]
            if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
                continue
            # One that is not there is answered before its body is looked at.
            path = re.sub(r"\{[^}]*\}", "x", str(route.path).replace("{camera:str}", "gate"))
            yield next(iter(handler.http_methods - {"OPTIONS"})), path, example(shapes.type_info(kind), "x")


async def test_no_body_brings_one_in(app: Litestar, client: Client, world: World) -> None:
    count = 0
    for method, path, body in bodies(app):
        for place in places(body):
            count += 1
            for wrong in ("\x1b[2J", "\u202e"):
                answer = await client.request(
                    method, path, json=put(body, place, f"a{wrong}b"), headers=world.bearer("admin")
                )
                told = answer.json()
                assert (answer.status_code, told["code"]) == (400, "invalid_request"), (method, path, place, told)
                assert wrong not in json.dumps(told, ensure_ascii=False)
    assert count > 60


async def test_long_texts_take_no_time(client: Client, world: World) -> None:
    """A query of a million characters took 19 s: it was compared, for what may have been meant."""
    began = time.process_time()
    order = {"reason": "r", "letter": "1", "approver": "a"}
    for mark in ("=", "!=", "(", "* ", "a=b,", "a=b|", ","):
        for length in (19_000, 1_000_000):
            body = {**order, "where": mark * (length // len(mark))}
            answer = await client.post("/api/orders/preview", json=body, headers=world.bearer("admin"))
            assert answer.json()["code"] == "invalid_selection"
    hours = {"where": "*", "reason": "r", "hours": "mon 06:00-07:00, " * 200_000}
    answer = await client.post("/api/schedules", json=hours, headers=world.bearer("admin"))
    assert answer.json()["code"] == "invalid_directive"
    names = ",".join("y" * 100_000 for _ in range(150))
    answer = await client.post("/api/camera-table", content=f"id,url,{names}\n", headers=world.bearer("admin"))
    assert answer.json()["code"] == "invalid_table"
    assert len(answer.content) < 100_000, "15 MB of mistakes"
    assert time.process_time() - began < 8


def test_words_are_compared_in_one_place_which_bounds_them() -> None:
    found = {
        str(path.relative_to(TOP))
        for folder in ("nvr", "storage")
        for path in (TOP / folder).rglob("*.py")
        if "difflib" in path.read_text(encoding="utf-8")
    }
    assert found == {"storage/texts.py"}


# -- By the functions that keep them, which commands call as well


def _request(conn: Any, text: str) -> None:
    case = cases.open_case(conn, number="1", legal_basis="x", title="", by=BY, now_us=NOW)
    requests.ask(conn, case.id, ["hall"], T0, T0 + S, purpose=text, by=BY, now_us=NOW)


def _decision(conn: Any, text: str) -> None:
    case = cases.open_case(conn, number="1", legal_basis="x", title="", by=BY, now_us=NOW)
    made = requests.ask(conn, case.id, ["hall"], T0, T0 + S, purpose="p", by=BY, now_us=NOW)
    requests.decide(conn, made.id, RequestState.REFUSED, reason=text, by=BY, now_us=NOW, second_person=False)


def _closing(conn: Any, text: str) -> None:
    case = cases.open_case(conn, number="1", legal_basis="x", title="", by=BY, now_us=NOW)
    cases.close(conn, case.id, reason=text, release=False, by=BY, now_us=NOW)


def _release(conn: Any, text: str) -> None:
    made = holds.place(conn, "hall", T0, T0 + S, reason="r", by=BY, now_us=NOW)
    holds.release(conn, made.id, reason=text, by=BY, now_us=NOW)


def _order(conn: Any, **more: str) -> Any:
    values: dict[str, Any] = {"reason": "r", "letter": "1", "approver": "mayor", "selection": "one", **more}
    draft = Draft(kind=DirectiveKind.ORDER, start_us=NOW, **values)
    return register.add(conn, draft, ["hall"], node_id="n1", by=BY, now_us=NOW)


def _revocation(conn: Any, **more: str) -> None:
    made = _order(conn)
    register.revoke(conn, made.id, by=BY, now_us=NOW + S, **{"reason": "r", **more})


def _link(conn: Any, text: str) -> None:
    conn.execute(
        "INSERT INTO export (id, state, request, requested_by, requested_us, holds, rev)"
        " VALUES ('e1', 'done', '{}', 'x', 1, '[]', 1)"
    )
    links.make(conn, "e1", recipient=text, until_us=NOW + 3600 * S, by=BY, now_us=NOW)


def _note(conn: Any, text: str) -> None:
    alerts.put(conn, AlertRow("a1", "camera_down", "hall", T0, T0, T0, None, 0, ("hall",), {}))
    alerts.acknowledge(conn, "a1", note=text, by=BY, now_us=NOW)


def _restored(conn: Any, text: str) -> None:
    public_view.cut(conn, "hall", reason="r", by=BY, now_us=NOW)
    public_view.restore(conn, "hall", reason=text, by=BY, now_us=NOW)


def _case(conn: Any, **more: str) -> None:
    cases.open_case(conn, by=BY, now_us=NOW, **{"number": "1", "legal_basis": "x", "title": "", **more})


def _deleted(conn: Any, text: str) -> None:
    by_person.delete(conn, "hall", T0, T0 + S, confirmed="x", reason=text, by=BY, now_us=NOW)


KEPT: dict[str, Callable[[Any, str], Any]] = {
    "case number": lambda conn, text: _case(conn, number=text),
    "legal basis": lambda conn, text: _case(conn, legal_basis=text),
    "title": lambda conn, text: _case(conn, title=text),
    "purpose": _request,
    "decision": _decision,
    "closing": _closing,
    "hold": lambda conn, text: holds.place(conn, "hall", T0, T0 + S, reason=text, by=BY, now_us=NOW),
    "release": _release,
    "order's reason": lambda conn, text: _order(conn, reason=text),
    "letter": lambda conn, text: _order(conn, letter=text),
    "approver": lambda conn, text: _order(conn, approver=text),
    "selection": lambda conn, text: _order(conn, selection=text),
    "attachment": lambda conn, text: _order(conn, attachment_name=text),
    "revocation": lambda conn, text: _revocation(conn, reason=text),
    "revocation's letter": lambda conn, text: _revocation(conn, letter=text),
    "revocation's approver": lambda conn, text: _revocation(conn, approver=text),
    "recipient": _link,
    "note": _note,
    "cut": lambda conn, text: public_view.cut(conn, "hall", reason=text, by=BY, now_us=NOW),
    "end of a cut": _restored,
    "deletion": _deleted,
}


@pytest.mark.parametrize("kind", KEPT)
def test_nothing_keeps_one(world: World, kind: str) -> None:
    for wrong in WRONG:
        with pytest.raises(ValueError, match=r"U\+"), world.db.write() as conn:
            KEPT[kind](conn, f"a{wrong}b")


@pytest.mark.parametrize("wrong", WRONG)
def test_accounts_keep_none(world: World, wrong: str) -> None:
    with pytest.raises(accounts.InvalidAccount):
        create_token(world.db, f"a{wrong}b", Role.VIEWER)
    with pytest.raises(accounts.InvalidAccount):
        accounts.create_user(world.db, f"a{wrong}b", "a-fine-long-password", Role.VIEWER)


# -- By the configuration and by CSV


@pytest.mark.parametrize(
    "text",
    [
        '[evidence]\nname = "a{wrong}b"',
        '[[camera]]\nid = "x"\nurl = "rtsp://h/1"\nname = "a{wrong}b"',
        '[[camera]]\nid = "x"\nurl = "rtsp://h/1"\nlabels = {{ district = "a{wrong}b" }}',
        '[[camera]]\nid = "x"\nurl = "rtsp://h/1"\nlabels = {{ "a{wrong}b" = "c" }}',
        '[[camera]]\nid = "x"\nurl = "rtsp://h/1"\nusername = "a{wrong}b"',
        '[alerts]\nfold_by = ["a{wrong}b"]',
    ],
)
@pytest.mark.parametrize("wrong", [r"\u001b", r"\u202e", r"\u2028", r"\u200b"])
def test_the_configuration_brings_none_in(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(f'[storage]\nroots = ["footage"]\n\n{text.format(wrong=wrong)}\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert escaped(str(caught.value), keep="\n") == str(caught.value)


@pytest.mark.parametrize("column", ["name", "label:district"])
@pytest.mark.parametrize("wrong", ["\x1b[2J", "\u202e", "\u200b"])
def test_csv_brings_none_in(world: World, column: str, wrong: str) -> None:
    with world.db.read() as conn:
        found = plan_import(conn, read(f"id,url,{column}\nnew-1,rtsp://192.0.2.1/x,a{wrong}b\n"))
    assert found.errors


# -- What is printed


OLD = "LP/1\x1b[2J\x9b\u202eevil\nforged line"


def test_a_table_prints_what_is_older_than_the_rules_as_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    table([("CASE", "REASON"), (OLD, "x")])
    assert capsys.readouterr().out.splitlines()[1:] == [r"LP/1\x1b[2J\x9b\u202eevil\nforged line  x"]
    echo(f"entry: {OLD}")
    assert capsys.readouterr().out == "entry: LP/1\\x1b[2J\\x9b\\u202eevil\\nforged line\n"


def test_json_stays_json() -> None:
    text = safe_json({"a": OLD + "\U000e0041é"}, indent=1)
    assert json.loads(text) == {"a": OLD + "\U000e0041é"} and escaped(text, keep="\n") == text and "é" in text


def test_only_one_module_of_the_command_line_prints() -> None:
    for path in (TOP / "nvr" / "cli").glob("*.py"):
        if path.name != "terminal.py":
            text = path.read_text(encoding="utf-8")
            assert not re.search(
                r"click\.(echo|secho|echo_via_pager)\(|(?<![\w.])print\(|sys\.stdout\.(write|buffer)", text
            ), path


def test_commands_over_a_catalogue_of_before(world: World) -> None:
    """Rows that were kept before there were rules, in every table that a command prints."""
    with world.db.write() as conn:
        case = cases.open_case(conn, number="LP/1", legal_basis="x", title="", by=BY, now_us=NOW)
        requests.ask(conn, case.id, ["hall"], T0, T0 + S, purpose="p", by=BY, now_us=NOW)
        order = _order(conn)
        accounts_made = conn.execute("SELECT count(*) FROM token").fetchone()[0]
        assert accounts_made
        conn.execute("DROP TRIGGER directive_keeps_its_word")
        conn.execute("DROP TRIGGER token_stays_what_it_is")
        for table_, column in (
            ("legal_case", "number"), ("request", "requester"), ("hold", "reason"), ("hold", "placed_by"),
            ("token", "name"),
            ("directive", "letter"), ("directive", "reason"), ("directive", "approver"), ("camera", "name"),
        ):  # fmt: skip
            conn.execute(f"UPDATE {table_} SET {column} = ?", (OLD,))
    config = world.folder / "config.toml"
    footage = world.folder / "footage"
    config.write_text(f'[storage]\nroots = ["{footage}"]\ncatalogue = "{world.db.path}"\n')
    for command in (
        ["cases", "list"], ["holds", "list"], ["tokens", "list"], ["users", "list"], ["orders", "list"],
        ["orders", "show", order.id], ["cameras", "list"], ["audit", "list"], ["audit", "export"], ["exports", "list"],
        ["holds", "release", "x\x1b", "--reason", "y"],
    ):  # fmt: skip
        done = CliRunner().invoke(main, [*command, "--config", str(config)])
        assert not isinstance(done.exception, Exception) or isinstance(done.exception, SystemExit), done.exception
        assert escaped(done.output, keep="\n") == done.output, command
        assert "forged line" not in [line.strip() for line in done.output.splitlines()]
