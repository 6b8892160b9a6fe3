"""``nvr users``: how a password comes to a command, and that the rule for it is that of the page."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nvr.accounts import BadCredentials, verify_password
from nvr.cli import main
from nvr.config import load
from storage.catalogue.database import Database

GOOD = "gerbang-tua-berlumut"


def users(folder: Path, *words: str, typed: str | None = None) -> Result:
    config = folder / "config.toml"
    config.touch()
    return CliRunner().invoke(main, ["users", *words, "--config", str(config)], input=typed)


def is_password(folder: Path, password: str) -> bool:
    db = Database(load(folder / "config.toml").storage.catalogue)
    try:
        verify_password(db, "vera", password)
    except BadCredentials:
        return False
    finally:
        db.close()
    return True


def test_a_password_from_a_file_typed_or_given(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{GOOD}\n")
    file.chmod(0o600)
    done = users(tmp_path, "add", "vera", "--password-file", str(file))
    assert done.exit_code == 0 and "warning" not in done.stderr and is_password(tmp_path, GOOD)
    done = users(tmp_path, "password", "vera", typed=f"{GOOD}1\n{GOOD}1\n")
    assert done.exit_code == 0 and is_password(tmp_path, f"{GOOD}1")
    done = users(tmp_path, "password", "vera", "--password", f"{GOOD}2")
    assert (
        done.exit_code == 0
        and "every user of this machine can read" in done.stderr
        and is_password(tmp_path, f"{GOOD}2")
    )
    file.chmod(0o644)
    done = users(tmp_path, "password", "vera", "--password-file", str(file))
    assert "chmod o-rwx" in done.stderr and is_password(tmp_path, GOOD)


def must_change(folder: Path, password: str = GOOD) -> bool:
    db = Database(load(folder / "config.toml").storage.catalogue)
    try:
        return verify_password(db, "vera", password).must_change
    finally:
        db.close()


def test_who_a_password_was_set_for_changes_it_unless_it_is_said_that_they_chose_it(tmp_path: Path) -> None:
    for words, word, expected in (
        (["add", "vera"], GOOD, True),
        (["password", "vera", "--no-change"], f"{GOOD}1", False),
        (["password", "vera"], GOOD, True),
    ):
        assert users(tmp_path, *words, typed=f"{word}\n{word}\n").exit_code == 0
        assert must_change(tmp_path, word) is expected
    assert users(tmp_path, "remove", "vera").exit_code == 0
    assert users(tmp_path, "add", "vera", "--no-change", typed=f"{GOOD}\n{GOOD}\n").exit_code == 0
    assert must_change(tmp_path) is False


@pytest.mark.parametrize("word", ["short", "password123", "1q2w3e4r5t"])
def test_the_rule_is_that_of_the_page(tmp_path: Path, word: str) -> None:
    file = tmp_path / "secret"
    file.write_text(word)
    done = users(tmp_path, "add", "vera", "--password-file", str(file))
    assert done.exit_code == 1 and "password" in done.output and word not in done.output


def test_what_can_not_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff")
    for name, told in (("empty", "is empty"), ("bytes", "no text"), ("nowhere", "can't be read")):
        done = users(tmp_path, "add", "vera", "--password-file", str(tmp_path / name))
        assert done.exit_code == 1 and told in done.output
    done = users(tmp_path, "add", "vera", "--password-file", str(tmp_path / "empty"), "--password", GOOD)
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("id_ID.UTF-8", "kata sandi ini terdiri atas 5 karakter"),
        ("en_GB.UTF-8", "the password has 5 characters"),
        ("C.UTF-8", "the password has 5 characters"),
    ],
)
def test_a_refusal_is_in_the_language_of_the_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, locale: str, said: str
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    assert said in users(tmp_path, "add", "vera", "--password", "short").stderr
