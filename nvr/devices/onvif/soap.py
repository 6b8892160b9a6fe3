"""Requests as texts, and what an answer is: SOAP 1.2 as devices speak it. Pure.

Some thirty operations are all that is asked, so each is a template here; a client made of the WSDL would refuse answers
that deviate from it, and devices deviate.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from nvr.devices.onvif.xml_reader import XmlError, XmlNode, read_xml

__all__ = [
    "DEVICE",
    "EVENTS",
    "MEDIA1",
    "MEDIA2",
    "NOTIFICATION",
    "PTZ",
    "SoapFault",
    "addressing",
    "answer_of",
    "attempts_left",
    "envelope",
    "fault_of",
    "request",
    "username_token",
]

DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
MEDIA1: Final = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
PTZ: Final = "http://www.onvif.org/ver20/ptz/wsdl"
EVENTS: Final = "http://www.onvif.org/ver10/events/wsdl"
NOTIFICATION: Final = "http://docs.oasis-open.org/wsn/b-2"
_ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
_SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_FORMS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_BINARY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"

_PROFILE: Final = "<ProfileToken>{}</ProfileToken>"
_PAN_TILT: Final = f'<PanTilt x="{{}}" y="{{}}" xmlns="{_SCHEMA}"/>'
_ZOOM: Final = f'<Zoom x="{{}}" xmlns="{_SCHEMA}"/>'
_AXES: Final = {"pan_tilt": _PAN_TILT, "zoom": _ZOOM, "pan_tilt_zoom": _PAN_TILT + _ZOOM}

# The body of each operation; ``{}`` is what is filled in, escaped. What follows a space in a name is which of several
# forms it has.
_BODIES: Final = {
    (DEVICE, "GetSystemDateAndTime"): "",
    (DEVICE, "GetServices"): "<IncludeCapability>false</IncludeCapability>",
    (DEVICE, "GetCapabilities"): "<Category>All</Category>",
    (DEVICE, "GetEndpointReference"): "",
    (DEVICE, "GetDeviceInformation"): "",
    (DEVICE, "GetNetworkInterfaces"): "",
    (DEVICE, "GetNTP"): "",
    # Kind of the address, and the element that it stands in.
    (DEVICE, "SetNTP"): (
        f'<FromDHCP>false</FromDHCP><NTPManual><Type xmlns="{_SCHEMA}">{{}}</Type>'
        f'<{{}} xmlns="{_SCHEMA}">{{}}</{{}}></NTPManual>'
    ),
    (DEVICE, "SetSystemDateAndTime"): (
        "<DateTimeType>NTP</DateTimeType><DaylightSavings>false</DaylightSavings>"
        f'<TimeZone><TZ xmlns="{_SCHEMA}">{{}}</TZ></TimeZone>'
    ),
    (MEDIA1, "GetProfiles"): "",
    (MEDIA2, "GetProfiles"): "<Type>VideoSource</Type><Type>VideoEncoder</Type>",
    (MEDIA1, "GetStreamUri"): (
        f'<StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
        f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
        "<ProfileToken>{}</ProfileToken>"
    ),
    (MEDIA2, "GetStreamUri"): "<Protocol>RTSP</Protocol><ProfileToken>{}</ProfileToken>",
    # In seconds: there are devices that take PT10M for ten seconds.
    (EVENTS, "CreatePullPointSubscription"): "<InitialTerminationTime>{}</InitialTerminationTime>",
    (EVENTS, "PullMessages"): "<Timeout>{}</Timeout><MessageLimit>{}</MessageLimit>",
    (EVENTS, "SetSynchronizationPoint"): "",
    (NOTIFICATION, "Renew"): "<TerminationTime>{}</TerminationTime>",
    (NOTIFICATION, "Unsubscribe"): "",
    (PTZ, "GetPresets"): _PROFILE,
    (PTZ, "GotoPreset"): f"{_PROFILE}<PresetToken>{{}}</PresetToken>",
    (PTZ, "SetPreset"): f"{_PROFILE}<PresetName>{{}}</PresetName>",
    (PTZ, "RemovePreset"): f"{_PROFILE}<PresetToken>{{}}</PresetToken>",
    (PTZ, "GetStatus"): _PROFILE,
    (PTZ, "Stop"): f"{_PROFILE}<PanTilt>true</PanTilt><Zoom>true</Zoom>",
    **{(PTZ, f"ContinuousMove {axes}"): f"{_PROFILE}<Velocity>{inner}</Velocity>" for axes, inner in _AXES.items()},
    # Those that honour it stop by themselves when nobody is there any more to stop them.
    **{
        (PTZ, f"ContinuousMove {axes} timed"): f"{_PROFILE}<Velocity>{inner}</Velocity><Timeout>{{}}</Timeout>"
        for axes, inner in _AXES.items()
    },
}


@dataclass(frozen=True, slots=True)
class SoapFault:
    """``code`` is the innermost one, without its prefix; ``reason`` what the device wrote."""

    code: str
    reason: str

    @property
    def refuses(self) -> bool:
        """Whether it is for want of a login, or because the one given was refused."""
        return self.code in _REFUSALS or bool(_REFUSING.search(self.reason))


_REFUSALS: Final = {"NotAuthorized", "FailedAuthentication", "InvalidSecurityToken", "SenderNotAuthorized"}
_REFUSING: Final = re.compile(
    r"not\s?authori[sz]ed|unauthori[sz]ed|authority failure|authenticat|username or password", re.IGNORECASE
)
# "You still have 5 attempt(s)"
_LEFT: Final = re.compile(r"(\d{1,3})\s*(?:more\s+)?(?:attempt|tries|times)", re.IGNORECASE)


def request(namespace: str, operation: str, *values: str) -> str:
    """The body of a request; ``values`` fill its blanks.

    Raises:
        KeyError: there is no such operation here.
    """
    inner = _BODIES[namespace, operation].format(*(escape(value, {'"': "&quot;"}) for value in values))
    name = operation.partition(" ")[0]
    return f'<{name} xmlns="{namespace}">{inner}</{name}>'


def envelope(body: str, security: str = "") -> bytes:
    """A whole message."""
    header = f"<s:Header>{security}</s:Header>" if security else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope">{header}<s:Body>{body}</s:Body></s:Envelope>'
    ).encode()


# What the action of a message is called, by operation.
_ACTIONS: Final = {
    "CreatePullPointSubscription": f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
    "PullMessages": f"{EVENTS}/PullPointSubscription/PullMessagesRequest",
    "SetSynchronizationPoint": f"{EVENTS}/PullPointSubscription/SetSynchronizationPointRequest",
    "Renew": "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/RenewRequest",
    "Unsubscribe": "http://docs.oasis-open.org/wsn/bw-2/SubscriptionManager/UnsubscribeRequest",
}


def addressing(to: str, operation: str, parameters: str = "") -> str:
    """The header that messages about events need: to which subscription they go. ``parameters``: XML that the device
    wants back."""
    return (
        f'<To xmlns="{_ADDRESSING}">{escape(to)}</To><Action xmlns="{_ADDRESSING}">{_ACTIONS[operation]}</Action>'
        f"{parameters}"
    )


def username_token(username: str, password: str, *, nonce: bytes, at_s: float) -> str:
    """A login for the header of a message (WS-UsernameToken, as a digest). ``at_s``: what the *device's* clock shows,
    seconds since the Unix epoch."""
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + ".000Z"
    digest = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False).digest()
    return (
        f'<Security s:mustUnderstand="1" xmlns="{_WSSE}"><UsernameToken><Username>{escape(username)}</Username>'
        f'<Password Type="{_FORMS}#PasswordDigest">{base64.b64encode(digest).decode()}</Password>'
        f'<Nonce EncodingType="{_BINARY}">{base64.b64encode(nonce).decode()}</Nonce>'
        f'<Created xmlns="{_WSU}">{created}</Created></UsernameToken></Security>'
    )


def _body(text: bytes) -> XmlNode:
    root = read_xml(text)
    body = root.find("Body") if root.name == "Envelope" else None
    if body is None or not body.children:
        raise XmlError("the answer is no SOAP message")
    return body.children[0]


def answer_of(text: bytes) -> XmlNode:
    """The first element of the body of a message, which may be a fault.

    Raises:
        XmlError: it is none.
    """
    return _body(text)


def fault_of(answer: XmlNode) -> SoapFault | None:
    """The fault that an answer is, of SOAP 1.2 or 1.1; None if it is none."""
    if answer.name != "Fault":
        return None
    codes = [node.text.strip().rpartition(":")[2] for node in answer.walk() if node.name in ("Value", "faultcode")]
    reasons = [node.text.strip() for node in answer.walk() if node.name in ("Text", "faultstring")]
    return SoapFault(codes[-1] if codes else "", reasons[0][:300] if reasons else "")


def attempts_left(reason: str) -> int | None:
    """How many attempts to log in a device says are left; None if it does not say."""
    found = _LEFT.search(reason)
    return int(found[1]) if found else None
