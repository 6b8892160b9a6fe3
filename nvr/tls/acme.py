"""A certificate that browsers know, from an authority that speaks ACME (RFC 8555), such as Let's Encrypt.

The authority wants to see that the names are ours: by a file that it fetches at port 80 (HTTP-01), or by a record in
the DNS (DNS-01). The protocol is certbot's library. Invariant: what was there stays until there is something better,
and what an authority was shown is taken back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from nvr import __version__
from nvr.tls.acme_folder import AcmeFolder, is_token, pem_of
from nvr.tls.dns_hook import run_hook
from nvr.tls.errors import TlsError
from nvr.tls.pair import Pair, read_pair
from storage.durable_files import replace_file

__all__ = ["AcmeWish", "obtain"]

log = logging.getLogger(__name__)

_PATIENCE_S: Final = 180
_ANSWER_S: Final = 30
_LONGEST_ERROR: Final = 500


@dataclass(frozen=True, slots=True)
class AcmeWish:
    """What certificate is wanted of whom. ``directory``: the authority's address; ``ca_file``: by which certificates
    its server is believed, None: those that browsers know. ``dns_hook``: the command that makes DNS records; empty:
    HTTP-01. ``dns_wait_s``: how long records take to be seen everywhere."""

    names: tuple[str, ...]
    directory: str
    email: str | None = None
    ca_file: Path | None = None
    dns_hook: tuple[str, ...] = ()
    dns_wait_s: float = 30.0


def obtain(
    wish: AcmeWish,
    folder: AcmeFolder,
    *,
    sleep: Callable[[float], object] = time.sleep,
    made: Callable[[Path], object] = lambda path: None,
) -> Pair:
    """Gets a certificate and puts it in the place of what is there. Takes a few seconds, and three minutes at most
    beside what the DNS takes. ``made`` is told each file that is made and stays, or is for the server to read.

    Raises:
        TlsError: the authority refused, could not be reached, or could not see that the names are ours; says why.
        OSError: files can't be written.
    """
    from acme import crypto_util, errors, messages  # takes a third of a second
    from josepy.errors import Error as JoseError
    from requests.exceptions import RequestException

    folder.make()
    try:
        client = _client(wish, folder)
        made(folder.account)
        key = pem_of(ec.generate_private_key(ec.SECP256R1()))
        domains, addresses = _split(wish.names)
        order = client.new_order(crypto_util.make_csr(key, domains, ipaddrs=addresses))
        with _answered(client, order, wish, folder, sleep, made):
            deadline = datetime.now() + timedelta(seconds=_PATIENCE_S)
            order = client.poll_and_finalize(order, deadline)
    except errors.ValidationError as error:
        raise TlsError(f"the authority could not see that the names are ours: {_failed(error)}") from None
    except errors.TimeoutError:
        raise TlsError(f"the authority did not decide within {_PATIENCE_S} s") from None
    except messages.Error as error:
        raise TlsError(f"the authority refused: {_short(error.detail or error.typ)}") from None
    except (errors.Error, JoseError) as error:
        raise TlsError(f"the authority's answer makes no sense: {_short(error)}") from None
    except RequestException as error:
        raise TlsError(f"{wish.directory} could not be reached: {_short(error)}") from None
    new = folder.pair.with_name("acme-new.pem")
    replace_file(new, str(order.fullchain_pem).encode() + key, 0o600)
    # What can't be used never takes the place of what can.
    read_pair(new, new)
    made(new)
    new.replace(folder.pair)
    return read_pair(folder.pair, folder.pair)


def _split(names: Sequence[str]) -> tuple[list[str], list[Any]]:
    domains, addresses = [], []
    for name in names:
        try:
            addresses.append(ip_address(name))
        except ValueError:
            domains.append(name)
    return domains, addresses


def _client(wish: AcmeWish, folder: AcmeFolder) -> Any:
    from acme import client, errors, messages
    from josepy.jwa import ES256
    from josepy.jwk import JWKEC

    # The library gives it to requests, which takes a file's name as well.
    verified: Any = True if wish.ca_file is None else str(wish.ca_file)
    net = client.ClientNetwork(
        JWKEC(key=folder.account_key()),
        alg=ES256,
        verify_ssl=verified,
        user_agent=f"nvr/{__version__}",
        timeout=_ANSWER_S,
    )
    made = client.ClientV2(client.ClientV2.get_directory(wish.directory, net), net)
    if made.external_account_required():
        raise TlsError(f"{wish.directory} only serves accounts that were made elsewhere (EAB), which nvr can't do")
    new = messages.NewRegistration.from_data(email=wish.email, terms_of_service_agreed=True)
    try:
        made.new_account(new)
    except errors.ConflictError as known:
        net.account = messages.RegistrationResource(uri=known.location, body=messages.Registration())
    return made


@contextmanager
def _answered(
    client: Any,
    order: Any,
    wish: AcmeWish,
    folder: AcmeFolder,
    sleep: Callable[[float], object],
    made: Callable[[Path], object],
) -> Iterator[None]:
    """Answers the challenges of an order, and takes the answers back at the end."""
    from acme import challenges

    kind = challenges.DNS01 if wish.dns_hook else challenges.HTTP01
    asked = []
    for each in order.authorizations:
        if each.body.status.name != "pending":
            continue
        name = each.body.identifier.value
        offered = [one for one in each.body.challenges if isinstance(one.chall, kind)]
        if not offered:
            how = "the DNS (dns_hook)" if kind is challenges.HTTP01 else "HTTP"
            raise TlsError(f"for {name} the authority offers no such proof; try that by {how}")
        asked.append((name, offered[0], *offered[0].chall.response_and_validation(client.net.key)))
    done: list[Callable[[], None]] = []
    try:
        for name, one, _, value in asked:
            if wish.dns_hook:
                record = one.chall.validation_domain_name(name)
                done.append(partial(run_hook, wish.dns_hook, "remove", record, value))
                run_hook(wish.dns_hook, "set", record, value)
            else:
                token = one.chall.encode("token")
                if not is_token(token):
                    raise TlsError("the authority's challenge makes no sense")
                file = folder.challenges / token
                done.append(partial(file.unlink, missing_ok=True))
                replace_file(file, value.encode(), 0o600)
                made(file)
        if wish.dns_hook and asked:
            sleep(wish.dns_wait_s)
        for _, one, response, _ in asked:
            client.answer_challenge(one, response)
        yield
    finally:
        for undo in done:
            try:
                undo()
            except (TlsError, OSError) as error:
                log.warning("what an authority was shown could not be taken back: %s", error)


def _failed(error: Any) -> str:
    told = [
        f"{each.body.identifier.value}: {one.error.detail}"
        for each in error.failed_authzrs
        for one in each.body.challenges
        if one.error is not None
    ]
    return _short("; ".join(told))


def _short(text: object) -> str:
    """What others say: one line, printable."""
    line = "".join(char if char.isprintable() else " " for char in str(text))
    return line[:_LONGEST_ERROR]
