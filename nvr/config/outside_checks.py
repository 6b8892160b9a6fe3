"""What settings of the world outside need to work at all: an authority for certificates, whom alerts are sent to,
networks that are searched, and where backups go. As in ``nvr.config.checks``.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Final

from nvr.config.checks import Finding
from nvr.config.model import AcmeSettings, AlertSettings, BackupSettings, DeviceSearch, Server, Storage
from storage.sentences import Sentence

__all__ = ["check_acme", "check_alerts", "check_backup", "check_devices", "warn_acme"]

_HTTP_PORT: Final = 80
_LEAST_PASSPHRASE: Final = 12


def check_acme(acme: AcmeSettings, server: Server) -> Iterator[Finding]:
    """What is needed to ask an authority for a certificate at all."""
    if not acme.names:
        return
    if server.certificate is not None:
        what = "asks for a certificate, and [server] certificate names one"
        yield ("acme", "names"), what, "remove one of the two"
    if not acme.accept_terms:
        what = "needs your word that you accept the authority's terms of service"
        yield ("acme", "names"), what, "read them at the authority's, then add accept_terms = true"
    if not acme.dns_hook:
        for i, name in enumerate(acme.names):
            if name.startswith("*."):
                what = "stands for all names below it, which an authority believes by the DNS alone"
                yield ("acme", "names", i), what, "write the names out, or add dns_hook"


def check_alerts(alerts: AlertSettings) -> Iterator[Finding]:
    """What e-mail and webhook need to work at all."""
    if alerts.email_to:
        if alerts.smtp_host is None:
            yield ("alerts", "email_to"), "has no mail server", 'add smtp_host = "mail.example.org"'
        if alerts.email_from is None:
            yield ("alerts", "email_to"), "has no sender", 'add email_from = "nvr@example.org"'
    if (alerts.smtp_username is None) != (alerts.smtp_password is None):
        given, other = ("smtp_username", "smtp_password")[:: 1 if alerts.smtp_password is None else -1]
        yield ("alerts", given), f"has no {other} to go with it", f"add {other}"
    if bool(alerts.telegram_chats) != (alerts.telegram_token is not None):
        given, other = ("telegram_chats", "telegram_token")[:: 1 if alerts.telegram_chats else -1]
        yield ("alerts", given), f"has no {other} to go with it", f"add {other}"
    if alerts.webhook_secret is not None and alerts.webhook_url is None:
        yield ("alerts", "webhook_secret"), "has no webhook_url to go with it", "add webhook_url"


def check_devices(devices: DeviceSearch) -> Iterator[Finding]:
    """Who searches addresses of the Internet should mean it."""
    for i, text in enumerate(devices.networks):
        network = ip_network(text)
        if not devices.public_networks and (network.network_address.is_global or network.broadcast_address.is_global):
            yield (
                ("devices", "networks", i),
                Sentence("{network} has addresses of the Internet, where others' devices are", network=text),
                Sentence("remove it; if these devices are yours, add public_networks = true"),
            )


def check_backup(backup: BackupSettings, storage: Storage) -> Iterator[Finding]:
    """A backup must not lie where retention empties disks, and its passphrase must not be guessed in a day."""
    if backup.folder is not None:
        folder = backup.folder.resolve()
        for i, root in enumerate(storage.roots):
            real = root.resolve()
            if real == folder or real in folder.parents:
                yield ("backup", "folder"), f"lies in root {i + 1}, among footage", "put it on another disk"
    if backup.s3 is not None and backup.folder is None:
        yield ("backup", "s3"), "has no backups to copy", "add folder, where they are made first"
    if (backup.s3_access_key is None) != (backup.s3_secret_key is None):
        given, other = ("s3_access_key", "s3_secret_key")[:: 1 if backup.s3_secret_key is None else -1]
        yield ("backup", given), f"has no {other} to go with it", f"add {other}"
    if backup.passphrase is not None and len(backup.passphrase.reveal()) < _LEAST_PASSPHRASE:
        what = f"has fewer than {_LEAST_PASSPHRASE} characters"
        yield ("backup", "passphrase"), what, "take a longer one: whoever finds a backup tries many"


def warn_acme(acme: AcmeSettings, server: Server) -> Iterator[Finding]:
    """The authority looks at port 80 unless the DNS answers it."""
    if acme.names and not acme.dns_hook and server.redirect_port is None and server.port != _HTTP_PORT:
        what = "has the authority ask port 80 of these names, where this server does not listen"
        advice = "add redirect_port = 80 to [server], or have port 80 forwarded to this server's port"
        yield ("acme", "names"), what, advice
