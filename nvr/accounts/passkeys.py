"""Passkeys (WebAuthn): what a browser is asked for, and whether what an authenticator signed is good.

Pure but for the library; who asks, and that a challenge is good once, is for the caller. Invariants: a passkey is bound
to a name of this server, so that no other page gets one to sign; whose device it is is not asked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nvr.accounts.errors import BadProof, InvalidFactor
from nvr.accounts.factor_rows import Factor
from nvr.accounts.rows import User
from storage.sentences import Sentence

if TYPE_CHECKING:
    from webauthn.helpers.structs import PublicKeyCredentialDescriptor

__all__ = ["RelyingParty", "SignedBy", "asking_options", "credential_of", "made_passkey", "making_options", "signed_by"]


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """This server as a browser sees it: the ``host`` that passkeys are bound to, and the ``origins`` of its page."""

    host: str
    origins: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class SignedBy:
    """What an authenticator counted, and whether it knew its user (by a finger, a PIN)."""

    counter: int
    verified: bool


def making_options(party: RelyingParty, user: User, known: Sequence[Factor], challenge: bytes) -> str:
    """What a browser needs to make a passkey for the user, as JSON; not on a device that has one of ``known``."""
    import webauthn
    from webauthn.helpers import structs

    made = webauthn.generate_registration_options(
        rp_id=party.host,
        rp_name=party.name,
        user_id=user.id.encode(),
        user_name=user.name,
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=[_descriptor(one) for one in known if one.credential],
    )
    return str(webauthn.options_to_json(made))


def _descriptor(factor: Factor) -> PublicKeyCredentialDescriptor:
    import webauthn
    from webauthn.helpers import structs

    return structs.PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(factor.credential or ""))


def made_passkey(party: RelyingParty, credential: str, challenge: bytes) -> tuple[str, str, int]:
    """Id and public key, in base64url, and counter of the passkey that a browser made.

    Raises:
        InvalidFactor: it was made for another page or another challenge, or can't be read.
    """
    import webauthn
    from webauthn.helpers import bytes_to_base64url
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        made = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=list(party.origins),
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise InvalidFactor(Sentence("this passkey was not made for this page, or not now: try again")) from None
    return bytes_to_base64url(made.credential_id), bytes_to_base64url(made.credential_public_key), made.sign_count


def asking_options(party: RelyingParty, known: Sequence[Factor], challenge: bytes, *, alone: bool) -> str:
    """What a browser needs to ask for a passkey, as JSON: one of ``known``; empty: whichever the device has for this
    page. ``alone``: it stands for the password too, so that the device must know its user."""
    import webauthn
    from webauthn.helpers import structs

    wanted = structs.UserVerificationRequirement
    made = webauthn.generate_authentication_options(
        rp_id=party.host,
        challenge=challenge,
        allow_credentials=[_descriptor(one) for one in known if one.credential],
        user_verification=wanted.REQUIRED if alone else wanted.PREFERRED,
    )
    return str(webauthn.options_to_json(made))


def credential_of(text: str) -> str:
    """The id of the passkey that a browser answered with.

    Raises:
        BadProof: there is none in it.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadProof from None
    if not isinstance(found, dict) or not isinstance(found.get("id"), str):
        raise BadProof
    return str(found["id"])


def signed_by(party: RelyingParty, credential: str, challenge: bytes, factor: Factor, *, alone: bool) -> SignedBy:
    """What the passkey says that signed this challenge. ``alone``: as of ``asking_options``.

    Raises:
        BadProof: it is another one, or signed something else, or for another page.
    """
    import webauthn
    from webauthn.helpers.exceptions import WebAuthnException

    try:
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=party.host,
            expected_origin=list(party.origins),
            credential_public_key=webauthn.base64url_to_bytes(factor.public_key or ""),
            credential_current_sign_count=factor.counter or 0,
            require_user_verification=alone,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise BadProof from None
    return SignedBy(found.new_sign_count, found.user_verified)
