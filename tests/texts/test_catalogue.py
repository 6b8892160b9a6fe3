"""The catalogue of words: whole in every language, and used as it is written."""

from __future__ import annotations

import ast
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from nvr.accounts.rows import Role
from nvr.alerting.conditions import AlertKind
from nvr.api.http.bodies import CameraState
from nvr.api.http.codes import CODES
from nvr.cameras.marks import MARK_KINDS
from nvr.cases.exports import ExportState
from nvr.cases.links import LinkState
from nvr.cases.requests import RequestState
from nvr.devices.searches import ScanState
from nvr.orders.model import DirectiveKind, DirectiveState
from nvr.reports.figure_rows import ROWS
from nvr.texts import LANGUAGES, Language, accepted, say, words
from nvr.texts.words import languages, read_words
from storage.causes import Cause, CauseClass
from storage.coverage.figures import Category
from storage.sentences import Sentence, fill, joined, kept, listed, quoted, restored, sentence_of

TOP = Path(__file__).parents[2]
FOLDER = TOP / "nvr/texts/languages"
PAGE = TOP / "nvr/web/src"
CATALOGUES: dict[str, Any] = {name: json.loads((FOLDER / f"{name}.json").read_bytes()) for name in LANGUAGES}
ENGLISH = CATALOGUES["en"]


def texts(table: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its path."""
    if isinstance(table, str):
        yield path, table
    else:
        for name, inner in table.items() if isinstance(table, dict) else enumerate(table):
            yield from texts(inner, f"{path}.{name}".lstrip("."))


def blanks(text: str) -> list[str]:
    """The names that are filled in; of a form that goes with a number no language needs to have one."""
    return sorted(re.findall(r"{(\w*)(?:![a-z]|:[^{}|]*)?}", text))


def sentences() -> Iterator[tuple[str, str]]:
    """The English of every sentence of the source, with the file that has it."""
    for folder in ("nvr", "storage"):
        for path in sorted((TOP / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sentence":
                    name = str(path.relative_to(TOP))
                    if isinstance(node.args[0], ast.Constant):
                        yield node.args[0].value, name
                        given = {one.arg for one in node.keywords}
                        if given and None not in given:
                            assert given == set(blanks(node.args[0].value)), (name, node.lineno)
                    else:
                        assert name == "storage/sentences.py", (name, node.lineno, "the text must be a literal")


def table(path: str, catalogue: Any = ENGLISH) -> Any:
    for name in path.split("."):
        catalogue = catalogue[name]
    return catalogue


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_text_with_the_same_blanks(language: Language) -> None:
    english, own = (dict(texts({**one, "messages": {}})) for one in (ENGLISH, CATALOGUES[language]))
    assert own.keys() == english.keys()
    for path, text in own.items():
        assert text.strip(), path
        assert blanks(text) == blanks(english[path]), path


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("causes", Cause),
        ("classes", CauseClass),
        ("categories", Category),
        ("page.states", CameraState),
        ("page.roles", Role),
        ("page.roleHints", Role),
        ("page.alerts.kinds", AlertKind),
        ("page.cases.states", RequestState),
        ("page.exports.states", ExportState),
        ("page.link.states", LinkState),
        ("page.orders.kinds", DirectiveKind),
        ("page.orders.states", DirectiveState),
        ("page.publicView.states", ENGLISH["public"]),
        ("page.devices.states", get_args(ScanState)),
        ("page.marks.kinds", MARK_KINDS),
    ],
)
def test_every_name_that_the_server_has_has_a_word(path: str, names: Any) -> None:
    assert set(table(path)) == {str(name) for name in names}


def actions() -> Iterator[str]:
    """What is entered into the audit log, as far as it stands in the sources as a text."""
    for folder in ("nvr", "storage"):
        for path in sorted((TOP / folder).rglob("*.py")):
            if "node_modules" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                owner = getattr(getattr(node.func, "value", None), "id", "")
                place = 1 if (owner, name) == ("audit", "append") else 2 if name == "Act" else None
                given = None if place is None or len(node.args) <= place else node.args[place]
                found = [given.body, given.orelse] if isinstance(given, ast.IfExp) else [given]
                found += [word.value for word in node.keywords if word.arg == "audit"]
                for text in found:
                    if isinstance(text, ast.Constant) and isinstance(text.value, str) and text.value.isidentifier():
                        yield text.value


def test_every_event_of_the_audit_log_has_a_word() -> None:
    kinds = [f"{kind}_{done}" for kind in DirectiveKind for done in ("entered", "revoked")]
    requests = [f"request_{state}" for state in RequestState if state is not RequestState.ASKED]
    # What a command or a route begins with, and none of its entries keeps: the entry says what was done.
    begun = {"login"}
    wanted = {*actions(), *kinds, *requests, "thumbnails"} - begun
    assert len(wanted) > 60
    assert wanted - set(table("page.audit.actions")) == set()


def test_every_code_of_an_error_has_a_title() -> None:
    assert list(ENGLISH["errors"]) == list(CODES)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_of_the_source_is_in_the_catalogue_with_the_same_blanks(language: Language) -> None:
    messages = CATALOGUES[language]["messages"]
    # What is nothing but blanks is the same in every language.
    found = {text: path for text, path in sentences() if re.search(r"[a-z]", re.sub(r"{[^{}]*}", "", text))}
    assert len(found) > 250
    assert {text: path for text, path in found.items() if text not in messages} == {}
    assert messages.keys() - found.keys() == set()
    for english, own in messages.items():
        assert set(blanks(own)) == set(blanks(english)), english
    assert "messages" not in ENGLISH


def test_a_sentence_is_said_in_a_language() -> None:
    wrong = Sentence("there is no camera {camera!r}", camera="gate {0} {x}")
    found = joined([Sentence("line {line}", line=3), Sentence("{field}: {message}", field="id", message=wrong)])
    assert str(found) == "line 3; id: there is no camera 'gate {0} {x}'"
    assert say(found, "id") == "baris 3; id: tidak ada kamera 'gate {0} {x}'"
    # What was said by somebody else is not looked up, though it be a sentence of ours.
    assert say(quoted("the reason"), "id") == "the reason"
    assert str(sentence_of(ValueError(wrong))) == str(wrong)
    assert str(sentence_of(OSError(5, "no disk"))) == "[Errno 5] no disk"


def test_a_form_goes_with_a_number() -> None:
    for count, english in ((0, "0 gaps"), (1, "1 gap"), (2, "2 gaps"), ("1", "1 gap"), ("1,001", "1,001 gaps")):
        assert fill("{count} {count:gap|gaps}", {"count": count}) == english
    assert str(listed(["a", "b", "c"], 2)) == "a, b and 1 more"
    assert say(listed(["a", "b", "c"], 2), "id") == "a, b dan 1 lagi"
    assert str(listed(["a"], 2)) == "a"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("id", "id"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("en-GB, id;q=0.5", "en"),
        ("jv, in;q=0.4, en;q=0.3", "id"),
        ("fr;q=x, *, id;q=0", "en"),
        ("id;q=0.2, en;q=0.9", "en"),
    ],
)
def test_the_language_that_a_browser_asks_for(header: str, language: Language) -> None:
    assert accepted(header) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_s_table_of_figures_has_the_words_of_reports_in_the_same_order(language: Language) -> None:
    source = (PAGE / "features/gaps/coverage-table.tsx").read_text()
    body = source[source.index("function rows(") :]
    keys = re.findall(r"^    \[\s*r\.(\w+),", body[: body.index("];")], re.MULTILINE)
    own = {"coverage": "coverage", "recordedTime": "recorded", "notRecorded": "not_recorded",
           "noLongerThere": "no_longer_there",
           "notRequired": "not_required", "notKnownYet": "not_known_yet", "outages": "outages", "longest": "longest",
           "mtbf": "mtbf", "mttr": "mttr"}  # fmt: skip
    assert tuple(own[key] for key in keys) == ROWS
    for key in ("recordedTime", "notRecorded", "noLongerThere", "notRequired", "notKnownYet"):
        assert CATALOGUES[language]["page"]["report"][key] == words(language).report[own[key]], key


def test_another_language_is_another_file(tmp_path: Path) -> None:
    folder = tmp_path / "languages"
    shutil.copytree(FOLDER, folder)
    javanese = {
        "name": "Basa Jawa",
        "causes": {"disk_full": "Disk kebak"},
        "report": {"page": "Kaca {page} saka {pages}"},
    }
    (folder / "jv.json").write_text(json.dumps(javanese), encoding="utf-8")
    assert languages(folder) == ("en", "id", "jv")
    spoken = read_words(folder, "jv")
    assert (spoken.name, spoken.causes[Cause.DISK_FULL]) == ("Basa Jawa", "Disk kebak")
    assert spoken.report["page"].format(page=1, pages=2) == "Kaca 1 saka 2"
    # What it lacks is English.
    assert spoken.causes[Cause.ENDED] == words("en").causes[Cause.ENDED]
    assert spoken.units == words("en").units


def arguments(source: str, begin: int) -> list[str]:
    """What stands in the brackets that open at ``begin``, at its commas."""
    found, depth = [""], 0
    for char in source[begin:]:
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return [one.strip()[1:-1] if one.strip().startswith("{") else one.strip() for one in found]
        if char == "," and depth == 1:
            found.append("")
        elif depth > 1 or char not in "(":
            found[-1] += char
    raise AssertionError(source[begin : begin + 80])


def test_the_page_fills_in_what_its_texts_have() -> None:
    by_name: dict[str, list[list[str]]] = {}
    for path, text in texts(ENGLISH["page"]):
        if blanks(text):
            by_name.setdefault(path.rpartition(".")[2], []).append(blanks(text))
    filled = 0
    for path in PAGE.rglob("*.ts*"):
        source = path.read_text(encoding="utf-8")
        if ".test." in path.name:
            continue
        # Not what fills a shape of a drawing.
        for found in re.finditer(r"(?<![\w.])fill\(", source):
            text, values, *_ = arguments(source, found.end() - 1)
            if "." not in text:
                continue  # a text that was given
            keys = re.findall(r"(?:^|,)\s*(\w+)\s*(?=[:,]|$)", re.sub(r"\([^()]*(?:\([^()]*\)[^()]*)*\)", "", values))
            assert any(set(keys) >= set(blanks) for blanks in by_name[text.rpartition(".")[2]]), (path.name, text, keys)
            filled += 1
    assert filled > 100


# Tables in which a name of the server's is looked up.
LOOKED_UP = {"actions", "failed", "fields", "kinds", "states", "channels", "labelNames", "levels"}


def test_the_page_uses_every_text_it_has() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in PAGE.rglob("*.ts*") if ".test." not in path.name)
    used = set(re.findall(r"[.?](\w+)", sources)) | set(re.findall(r"'(\w+)'", sources))
    found = [path.split(".") for path, _ in texts(ENGLISH["page"])]
    assert [path for path in found if not LOOKED_UP & {*path} and not path[-1].isdigit() and path[-1] not in used] == []


def test_a_sentence_that_is_kept_is_said_later_in_any_language() -> None:
    wrong = Sentence("there is no camera {camera!r}", camera="gate {0} {x}")
    found = restored(kept(Sentence("line {line}: {why}", line=3, why=wrong)))
    assert str(found) == "line 3: there is no camera 'gate {0} {x}'"
    assert found.values["line"] == 3 and say(found.values["why"], "id") == "tidak ada kamera 'gate {0} {x}'"
    # What earlier versions kept, and other programs' words.
    for text in ("the disk is full {0}", "{", '{"sentence"'):
        assert str(restored(text)) == text
        assert str(restored(kept(quoted(text)))) == text


def is_ours(node: ast.expr) -> bool:
    """Whether an expression is a text of several words that stands in the source."""
    if isinstance(node, ast.IfExp):
        return is_ours(node.body) or is_ours(node.orelse)
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text = " ".join(str(part.value) for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return " " in text and len(re.findall(r"[a-z]{2,}", text)) > 1


# What is answered to people says its errors as sentences. Those that only logs and programs see may be plain.
SAID_TO_PEOPLE = (
    "api", "access", "accounts", "cases", "orders", "cameras", "reports", "evidence/making", "evidence/jobs",
)  # fmt: skip
NOT_SAID = {
    "RouteError", "PortError", "RemoteProtocolError", "AssertionError", "AttributeError", "TokenRefused",
}  # fmt: skip


def test_no_text_for_people_is_english_only() -> None:
    found = []
    for folder in ("nvr", "storage"):
        for path in (TOP / folder).rglob("*.py"):
            if "node_modules" in path.parts:
                continue
            name = str(path.relative_to(TOP))
            is_said = name.startswith(tuple(f"nvr/{one}/" for one in SAID_TO_PEOPLE))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                texts: list[ast.expr] = []
                if isinstance(node, ast.Call):
                    called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                    # Words of our own are no quotation, nor may they be a value within a sentence.
                    texts += node.args[:1] if called == "quoted" else []
                    texts += [one.value for one in node.keywords] if called in ("Sentence", "given") else []
                elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and is_said:
                    raised = node.exc.func
                    error = raised.attr if isinstance(raised, ast.Attribute) else getattr(raised, "id", "")
                    texts += [] if error in NOT_SAID else node.exc.args
                found += [f"{name}:{text.lineno}" for text in texts if is_ours(text)]
    assert found == [], "make them Sentence(…), with their words in every catalogue"
