"""One simulated device: what it is, what it has been asked, and what it answers.

Invariant: `failed` counts every login that was refused, however it was tried; nothing else raises it.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nvr.demo.rtsp.auth import Auth, LoginVerdict
from nvr.demo.rtsp.message import DemoRequest
from nvr.devices.onvif.soap import DEVICE, EVENTS, MEDIA1, MEDIA2, PTZ
from nvr.devices.onvif.xml_reader import XmlNode, read_xml

from . import texts
from .events import EventsSimulator
from .ptz import PtzHeadSimulator

__all__ = ["Answer", "OnvifDevice"]

_LOCKS_AFTER = 5
_LOCKED_S = 1800.0
_FRESH_S = 60.0
_OPEN = {"GetSystemDateAndTime", "GetServices", "GetCapabilities", "GetEndpointReference"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back over HTTP."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


@dataclass
class OnvifDevice:
    """`login`: how it takes passwords, "wsse", "digest" or "both". Its clock is `clock_ahead_s` ahead of the machine's;
    local time is `zone_ahead_s` ahead of UTC. `quirks` are names of `QUIRKS`."""

    address: str
    uuid: str
    vendor: str = "Hikvision"
    model: str = "DS-2CD2043"
    firmware: str = "V5.7.1"
    serial: str = "DS-2CD2043-20200101AAWR000001"
    mac: str = "44:19:b6:00:00:01"
    username: str = "admin"
    password: str = "Semarang2026"
    login: str = "wsse"
    clock_ahead_s: float = 0.0
    zone_ahead_s: int = 7 * 3600
    clock_mode: str = "NTP"
    time_servers: tuple[str, ...] = ("192.0.2.123",)
    channels: int = 1
    http_port: int = 80
    rtsp_port: int = 554
    quirks: frozenset[str] = frozenset()
    head: PtzHeadSimulator | None = None
    events: EventsSimulator | None = None
    now: Callable[[], float] = time.time
    failed: int = 0
    locks: int = 0
    accepted: int = 0
    asked: list[str] = field(default_factory=list)
    _locked_until_s: float = 0.0
    _nonces: set[bytes] = field(default_factory=set)
    _auth: Auth | None = None
    _first_nonce: str = ""

    def __post_init__(self) -> None:
        self._auth = Auth(
            self.username,
            self.password,
            scheme="both" if "basic_too" in self.quirks else "digest",
            algorithm="SHA-256" if "digest_sha256" in self.quirks else "MD5",
        )
        if self.events is not None:
            self.events.quirks, self.events.clock_s = self.quirks, self.clock_s
        if "serial_zero" in self.quirks:
            self.serial = "000000"

    @property
    def path(self) -> str:
        """Where its device service is."""
        return "/onvif/devicemgmt" if "odd_path" in self.quirks else "/onvif/device_service"

    @property
    def base(self) -> str:
        """What it calls itself."""
        host = "192.168.1.64" if "names_other_host" in self.quirks else self.address
        return f"http://{host}:{self.http_port}"

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """The answer to a request over HTTP."""
        own = path.partition("?")[0]
        if own not in (self.path, "/onvif/media", "/onvif/media2", "/onvif/ptz", "/onvif/events"):
            return Answer(404, b"not here")
        if "redirects" in self.quirks:
            return Answer(307, b"", (("Location", f"http://192.168.1.64{path}"),))
        root = read_xml(body)
        content = root.find("Body")
        assert content is not None
        question = content.children[0]
        self.asked.append(question.name)
        may, refusal = self._may(question.name, path, headers, root)
        if not may:
            return refusal
        if own == "/onvif/events":
            result = self.events.answer(path, question, body) if self.events is not None else None
            status = 400 if "events_renew_refused" in self.quirks and question.name == "Renew" else 200
            return self._said(result or texts.fault("InvalidArgVal", "no such subscription", self.quirks), status)
        if path == "/onvif/ptz":
            if self.head is None:
                return Answer(404, b"not here")
            self.head.quirks = self.quirks
            result = self.head.answer(question)
            return self._said(result or texts.fault("ActionNotSupported", "not supported", self.quirks))
        return self._said(self._result(question, new=path.endswith("media2")))

    def _said(self, body: str, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
        return Answer(status, texts.message(body, self.quirks), headers)

    # Logins

    def _may(self, name: str, path: str, headers: dict[str, str], root: XmlNode) -> tuple[bool, Answer]:
        nothing = Answer(200, b"")
        token = root.find("Header", "Security", "UsernameToken")
        given = token is not None or "authorization" in headers
        is_open = name in _OPEN and not (name == "GetSystemDateAndTime" and "time_needs_login" in self.quirks)
        is_open |= name == "GetDeviceInformation" and "information_open" in self.quirks
        if "anonymous" in self.quirks or (is_open and not given):
            return True, nothing
        if self.now() < self._locked_until_s:
            return False, self._refusal("the account is locked", challenge=False)
        if not given:
            return False, self._refusal("sender not authorized")
        if "authorization" in headers and self.login in ("digest", "both"):
            assert self._auth is not None
            verdict = self._auth.judge(DemoRequest("POST", path, headers, b""))
            if verdict is LoginVerdict.ACCEPTED and "nonce_stale" in self.quirks and not self._first_nonce:
                self._first_nonce = "seen"
                verdict = LoginVerdict.STALE
            if verdict is LoginVerdict.STALE:
                return False, self._refusal("stale", stale=True)
            right = verdict is LoginVerdict.ACCEPTED
        else:
            right = token is not None and self.login in ("wsse", "both") and self._is_right(token)
        if right:
            self.accepted += 1
            return True, nothing
        self.failed += 1
        if self.failed >= _LOCKS_AFTER and "lock" in self.quirks:
            self.locks += 1
            self._locked_until_s = self.now() + _LOCKED_S
        left = max(0, _LOCKS_AFTER - self.failed)
        told = f" You still have {left} attempt(s)" if "attempts_told" in self.quirks else ""
        return False, self._refusal(f"sender not authorized{told}")

    def _is_right(self, token: XmlNode) -> bool:
        try:
            nonce = base64.b64decode(token.said("Nonce"))
        except ValueError:
            return False
        created = token.said("Created")
        if "stale_created" in self.quirks:
            try:
                made_s = time.strptime(created[:19], "%Y-%m-%dT%H:%M:%S")
            except ValueError:
                return False
            if abs(self.clock_s() - _timegm(made_s)) > _FRESH_S:
                return False
        if nonce in self._nonces:
            return False
        self._nonces.add(nonce)
        digest = hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()
        same = hmac.compare_digest(base64.b64encode(digest).decode(), token.said("Password"))
        return same and token.said("Username") == self.username

    def clock_s(self) -> float:
        """What it goes by, whatever it answers."""
        return self.now() + self.clock_ahead_s

    def _refusal(self, reason: str, *, stale: bool = False, challenge: bool = True) -> Answer:
        headers: tuple[tuple[str, str], ...] = ()
        if challenge and self.login in ("digest", "both") and self._auth is not None:
            headers = tuple(self._auth.challenges(stale=stale))
        status = 401 if headers else 400
        if "refuses_with_200" in self.quirks and not headers:
            status = 200
        if "refuses_with_400" in self.quirks and not headers:
            status = 400
        if "authority_failure" in self.quirks:
            return self._said(texts.fault("Action", "Authority failure", self.quirks), status, headers)
        return self._said(texts.fault("NotAuthorized", reason, self.quirks), status, headers)

    # Answers

    @property
    def zone(self) -> str:
        """Its time zone, as it writes it."""
        if "zone_cst" in self.quirks:
            return "CST-7:00:00"
        return f"WIB{-self.zone_ahead_s // 3600:d}"

    def streams(self) -> list[tuple[str, str, str, int, int, float, int, int]]:
        """Token, source, codec, width, height, rate, group of pictures, kbit/s."""
        group = 250 if "far_keyframes" in self.quirks else 50
        found = []
        for channel in range(1, self.channels + 1):
            found.append((f"main{channel}", str(channel), "H265", 2560, 1440, 25.0, group, 4096))
            if "no_sub" not in self.quirks:
                found.append((f"sub{channel}", str(channel), "H264", 640, 360, 12.5, 25, 512))
        return found

    def _result(self, question: XmlNode, *, new: bool) -> str:
        name = question.name
        if name == "GetSystemDateAndTime":
            return texts.clock(
                self.now() + self.clock_ahead_s, self.zone_ahead_s, self.zone, self.clock_mode, self.quirks
            )
        if name in ("GetServices", "GetCapabilities"):
            named = {DEVICE: self.path, MEDIA1: "/onvif/media"}
            named |= {MEDIA2: "/onvif/media2"} if "media1_only" not in self.quirks else {}
            named |= {PTZ: "/onvif/ptz"} if self.head is not None else {}
            named |= {EVENTS: "/onvif/events"} if self.events is not None else {}
            return texts.services(self.base, named, old=name == "GetCapabilities")
        if name == "GetEndpointReference" and "no_endpoint" not in self.quirks:
            return texts.endpoint(self.uuid)
        if name == "GetDeviceInformation":
            return texts.information(self.vendor, self.model, self.firmware, self.serial)
        if name == "GetNetworkInterfaces":
            return texts.interfaces(self.mac)
        if name == "GetNTP":
            return texts.time_servers(self.time_servers)
        if name in ("SetNTP", "SetSystemDateAndTime") and "set_refused" not in self.quirks:
            if "set_ignored" not in self.quirks:
                self._set(question)
            return f"<tds:{name}Response/>"
        if name == "GetProfiles":
            return texts.profiles(self.streams(), new=new, quirks=self.quirks)
        if name == "GetStreamUri":
            token = question.said("ProfileToken")
            if token in [one[0] for one in self.streams()]:
                return texts.stream(self.stream_url(token), new=new)
        return texts.fault("ActionNotSupported", f"{name} is not supported", self.quirks)

    def _set(self, question: XmlNode) -> None:
        if question.name == "SetNTP":
            manual = question.find("NTPManual")
            assert manual is not None and question.said("FromDHCP") == "false"
            kind = manual.said("Type")
            self.time_servers = (manual.said("DNSname" if kind == "DNS" else f"{kind}Address"),)
        else:
            self.clock_mode = question.said("DateTimeType")
        if self.clock_mode == "NTP" and self.time_servers:
            self.clock_ahead_s = 0.0

    def stream_url(self, token: str) -> str:
        """The address of a stream, as it gives it."""
        host = self.base.removeprefix("http://").partition(":")[0]
        if "account_in_url" in self.quirks:
            return f"rtsp://{host}:{self.rtsp_port}/user={self.username}_password={self.password}_channel=1_{token}.sdp"
        return f"rtsp://{host}:{self.rtsp_port}/stream/{token}?transport=unicast&profile={token}"

    def probe_match(self, probe: bytes) -> bytes | None:
        """The answer to a probe of WS-Discovery; None: it keeps silent."""
        if self.quirks & {"mute_probe", "silent"}:
            return None
        header = read_xml(probe).find("Header")
        relates_to = header.said("MessageID") if header is not None else ""
        return texts.probe_match(relates_to, self.uuid, f"{self.base}{self.path}", self.vendor, self.model)


def _timegm(parts: time.struct_time) -> float:
    import calendar

    return calendar.timegm(parts)
