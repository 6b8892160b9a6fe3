"""What devices do that the specification has otherwise, each with where that was seen.

Invariant: `OnvifDevice` acts on every name here, and on no other (a test looks).
"""

from dataclasses import dataclass
from typing import Final

__all__ = ["QUIRKS", "Quirk"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """`what` a device does; `source`: where it was seen, or which page of a specification allows it."""

    what: str
    source: str


_HA = "home-assistant/core#"
# Built from what the specification allows, or forbids: no device was seen to do it.
_NONE = "no device seen"

QUIRKS: Final[dict[str, Quirk]] = {
    # Clocks
    "clock_utc_missing": Quirk("answers only LocalDateTime and TZ", "agsh/onvif#65, agsh/onvif#165"),
    "clock_local_in_utc": Quirk(
        "its UTCDateTime holds local time", "OpenIPC/majestic-webui#292: and refuses logins that go by it"
    ),
    "clock_none": Quirk("answers no time at all", "ONVIF Core 26.06: both times are optional"),
    "time_needs_login": Quirk("wants a login for GetSystemDateAndTime", "agsh/onvif#301"),
    "zone_cst": Quirk("writes CST-7:00:00 for any zone seven hours ahead", "hikvision-downloader#5"),
    # Logins
    "lock": Quirk("after five refusals nobody gets in for half an hour", "evercam-support#91; CamioCam#34"),
    "attempts_told": Quirk(
        "says how many attempts are left in its fault", "Quedale/OnvifDeviceManager#19; home-assistant/core#147404"
    ),
    "anonymous": Quirk("answers everything to anybody", "ONVIF Core 26.06 allows a device without users"),
    "basic_too": Quirk("offers Basic beside Digest", "rvi/ONVIFCameraAndroid#14 offers Basic"),
    "digest_sha256": Quirk("offers a digest with SHA-256 only", "ONVIF Core 26.06, RFC 7616"),
    "nonce_stale": Quirk("calls the first nonce stale, and gives another", "RFC 7616, section 3.3"),
    "refuses_with_200": Quirk("answers a refused login with 200 and a fault", _NONE),
    "refuses_with_400": Quirk("answers a refused login with 400 and a fault", "patrickmichalina/onvif-rx#32"),
    "authority_failure": Quirk(
        "calls a refused login an Authority failure, and no NotAuthorized", "open-nvr/open-nvr#470"
    ),
    "stale_created": Quirk("refuses a login that is more than a minute off its own clock", _HA + "93079"),
    # Answers
    "mute_probe": Quirk(
        "does not answer WS-Discovery to its own address", "ONVIF Core 26.06: only multicast is asked for"
    ),
    "silent": Quirk("takes connections and never answers", _NONE),
    "slow": Quirk("takes two seconds for each answer", _NONE),
    "odd_path": Quirk("answers at /onvif/devicemgmt only", _HA + "84551"),
    "names_other_host": Quirk(
        "calls itself 192.168.1.64 in every address", "home-assistant/core#34218; blakeblackshear/frigate#18352"
    ),
    "soap11": Quirk("answers in SOAP 1.1", "ONVIF Core 26.06 asks for 1.2; older gSOAP servers"),
    "prefix_undeclared": Quirk(
        "uses a prefix that it never declares", "mvantellingen/python-zeep#1205; agsh/onvif#165"
    ),
    "no_length": Quirk("answers without Content-Length and closes", "RFC 9112, section 6.3"),
    "chunked": Quirk("answers in chunks", "RFC 9112, section 7.1"),
    "closes": Quirk("closes the connection after each answer", "RFC 9112, section 9.6"),
    "redirects": Quirk("redirects to another host", _NONE),
    # Settings
    "set_refused": Quirk("does not let its clock be set", _NONE),
    "set_ignored": Quirk("takes a setting and does not keep it", _NONE),
    # Moving
    "ptz_no_stop": Quirk("knows no Stop and wants a velocity of zero", "home-assistant/core PR 163173; iris PR 177"),
    "ptz_ignores_stop": Quirk("takes a Stop and moves on", _NONE),
    "ptz_ignores_timeout": Quirk("moves on after the Timeout it was given", "scrypted PR 2124: 84 s after PT1S"),
    "ptz_refuses_timeout": Quirk("refuses a move with a Timeout", "Onvif.Core#30, of Bosch"),
    "ptz_no_status": Quirk("does not say where it is", "ONVIF PTZ 26.06: GetStatus may be unsupported"),
    "ptz_hangs": Quirk("does not answer a move until it is asked something else", _NONE),
    # Events
    "events_renew_refused": Quirk("answers 400 to Renew", "XiongMai: onvif-zeep-async"),
    "events_no_extend": Quirk("extends a subscription only by Renew, never by a pull", "onvif/specs#506"),
    "events_short": Quirk("keeps a subscription for ten seconds", "takes PT10M for 10 s: write seconds"),
    "events_reference": Quirk("wants ReferenceParameters back", "WS-Addressing 1.0; Axis"),
    "events_relative": Quirk("gives a relative address for its events", _NONE),
    "events_at_once": Quirk("answers a pull at once though there is nothing", _NONE),
    "events_times_missing": Quirk("does not say how long a subscription lasts", _NONE),
    # Hostile answers: nobody's camera, and anybody's.
    "xml_dtd": Quirk("answers with a DTD and entities", "OWASP: XML external entities"),
    "xml_deep": Quirk("nests an answer ten thousand deep", "OWASP: XML denial of service"),
    "xml_endless": Quirk("never ends an answer", "OWASP: XML denial of service"),
    "xml_cut": Quirk("breaks off within an answer", _NONE),
    # Identity
    "serial_zero": Quirk(
        "has the serial number 000000", "edgexfoundry/device-onvif-camera#2: devices of one serial number"
    ),
    "no_endpoint": Quirk("knows no GetEndpointReference", _NONE),
    "information_open": Quirk(
        "says its name without a login, and its streams only with one", "ONVIF Core 26.06 has it as READ_SYSTEM"
    ),
    # Streams
    "media1_only": Quirk("has no Media2", "ONVIF Profile S"),
    "no_sub": Quirk("has one stream only", "ONVIF Profile S asks for one"),
    "far_keyframes": Quirk("declares a keyframe every ten seconds", "Hikvision's H.264+, Dahua's smart codec"),
    "profiles_without_video": Quirk("lists profiles without video, and one twice", "scrypted#1060"),
    "account_in_url": Quirk(
        "writes account and password into the addresses of its streams", "XiongMai: /user=…_password=…"
    ),
}
