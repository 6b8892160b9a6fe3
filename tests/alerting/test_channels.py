"""Every channel of the table."""

from __future__ import annotations

from pathlib import Path

from nvr.alerting import channels as folder
from nvr.alerting.channels import CHANNELS, channels
from nvr.alerting.settings import secrets_told, to_wire
from nvr.config import AlertSettings
from tests.texts.test_catalogue import ENGLISH

GIVEN = {
    "email_to": ["a@example.org", "b@example.org", "a@example.org"],
    "email_from": "nvr@example.org",
    "smtp_host": "mail.example.org",
    "telegram_token": "123456:secret-secret-secret",
    "telegram_chats": ["-100123"],
    "webhook_url": "https://example.org/hook/secret",
}
SET_UP = AlertSettings.model_validate(GIVEN)


def test_each_file_is_a_channel_of_the_table() -> None:
    files = {path.stem for path in Path(folder.__file__).parent.glob("[a-z]*.py")}
    assert files - {"base"} == set(CHANNELS)


def test_each_is_made_of_its_settings_and_only_if_it_has_some() -> None:
    wired = to_wire(SET_UP, "UTC")
    assert channels(to_wire(AlertSettings(), "UTC")) == []
    for name in CHANNELS:
        made = channels({**dict.fromkeys(CHANNELS), name: wired[name]})
        assert made and {channel.recipient.partition(":")[0] for channel in made} == {name}
        # It stands in logs.
        assert all("secret" not in repr(channel) for channel in made)
    assert len(channels(wired)) == 4


def test_the_log_of_who_sends_knows_all_that_is_secret() -> None:
    assert secrets_told(to_wire(AlertSettings(), "UTC")) == []
    secret = {"smtp_password": "hush-1", "webhook_secret": "hush-2", "smtp_username": "nvr"}
    settings = AlertSettings.model_validate({**GIVEN, **secret})
    assert sorted(secrets_told(to_wire(settings, "UTC"))) == sorted(settings.secrets)
    assert len(settings.secrets) == 4


def test_the_page_has_a_word_for_each() -> None:
    assert set(ENGLISH["page"]["alerts"]["channels"]) == set(CHANNELS)
