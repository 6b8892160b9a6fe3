"""The texts of a simulated device's answers."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from nvr.devices.onvif.soap import DEVICE, EVENTS, MEDIA1, MEDIA2, NOTIFICATION, PTZ

__all__ = [
    "clock",
    "endpoint",
    "fault",
    "information",
    "interfaces",
    "message",
    "probe_match",
    "profiles",
    "services",
    "stream",
    "time_servers",
]

_SCHEMA: Final = "http://www.onvif.org/ver10/schema"
_SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
_SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"


def message(body: str, quirks: frozenset[str]) -> bytes:
    """A whole message; `body` uses the prefixes tds, trt, tr2 and tt."""
    soap = _SOAP11 if "soap11" in quirks else _SOAP12
    prefix = "SOAP-ENV" if "soap11" in quirks else "s"
    if "prefix_undeclared" in quirks:
        body = f"{body}<vendor:Extra>1</vendor:Extra>"
    dtd = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>' if "xml_dtd" in quirks else ""
    deep = "<tt:x>" * 10_000 + "</tt:x>" * 10_000 if "xml_deep" in quirks else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{dtd}\n'
        f'<{prefix}:Envelope xmlns:{prefix}="{soap}" xmlns:tds="{DEVICE}" xmlns:trt="{MEDIA1}" xmlns:tr2="{MEDIA2}"'
        f' xmlns:tt="{_SCHEMA}" xmlns:tptz="{PTZ}" xmlns:tev="{EVENTS}"'
        f' xmlns:wsnt="{NOTIFICATION}" xmlns:wsa="http://www.w3.org/2005/08/addressing"'
        ' xmlns:tns1="http://www.onvif.org/ver10/topics">'
        f"<{prefix}:Body>{body}{deep}</{prefix}:Body></{prefix}:Envelope>"
    ).encode()


def fault(code: str, reason: str, quirks: frozenset[str]) -> str:
    """A fault with a subcode of ONVIF."""
    if "soap11" in quirks:
        return f"<SOAP-ENV:Fault><faultcode>ter:{code}</faultcode><faultstring>{reason}</faultstring></SOAP-ENV:Fault>"
    return (
        f"<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:{code}</s:Value></s:Subcode></s:Code>"
        f'<s:Reason><s:Text xml:lang="en">{reason}</s:Text></s:Reason></s:Fault>'
    )


def _time(name: str, at_s: float) -> str:
    year, month, day, hour, minute, second = time.gmtime(at_s)[:6]
    return (
        f"<tt:{name}><tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute><tt:Second>{second}</tt:Second>"
        f"</tt:Time><tt:Date><tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date>"
        f"</tt:{name}>"
    )


def clock(at_s: float, ahead_s: int, zone: str, mode: str, quirks: frozenset[str]) -> str:
    """What the clock shows: UTC at `at_s`, local time `ahead_s` ahead."""
    utc_s = at_s + ahead_s if "clock_local_in_utc" in quirks else at_s
    utc = "" if quirks & {"clock_utc_missing", "clock_none"} else _time("UTCDateTime", utc_s)
    local = "" if "clock_none" in quirks else _time("LocalDateTime", at_s + ahead_s)
    return (
        "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
        f"<tt:DateTimeType>{mode}</tt:DateTimeType><tt:DaylightSavings>false</tt:DaylightSavings>"
        f"<tt:TimeZone><tt:TZ>{zone}</tt:TZ></tt:TimeZone>{utc}{local}"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
    )


def time_servers(servers: Sequence[str]) -> str:
    """`GetNTP`."""
    manual = "".join(
        f"<tt:NTPManual><tt:Type>IPv4</tt:Type><tt:IPv4Address>{one}</tt:IPv4Address></tt:NTPManual>" for one in servers
    )
    return (
        "<tds:GetNTPResponse><tds:NTPInformation><tt:FromDHCP>false</tt:FromDHCP>"
        f"{manual}</tds:NTPInformation></tds:GetNTPResponse>"
    )


def services(base: str, paths: Mapping[str, str], *, old: bool) -> str:
    """`GetServices`, or (`old`) `GetCapabilities`; `paths` by namespace."""
    if old:
        inner = "".join(
            f"<tt:{name}><tt:XAddr>{base}{paths[one]}</tt:XAddr></tt:{name}>"
            for name, one in (("Device", DEVICE), ("Events", EVENTS), ("Media", MEDIA1), ("PTZ", PTZ))
            if one in paths
        )
        return (
            f"<tds:GetCapabilitiesResponse><tds:Capabilities>{inner}</tds:Capabilities></tds:GetCapabilitiesResponse>"
        )
    inner = "".join(
        f"<tds:Service><tds:Namespace>{name}</tds:Namespace><tds:XAddr>{base}{where}</tds:XAddr>"
        "<tds:Version><tt:Major>2</tt:Major><tt:Minor>60</tt:Minor></tds:Version></tds:Service>"
        for name, where in paths.items()
    )
    return f"<tds:GetServicesResponse>{inner}</tds:GetServicesResponse>"


def endpoint(uuid: str) -> str:
    """`GetEndpointReference`."""
    return f"<tds:GetEndpointReferenceResponse><tds:GUID>urn:uuid:{uuid}</tds:GUID></tds:GetEndpointReferenceResponse>"


def information(vendor: str, model: str, firmware: str, serial: str) -> str:
    """`GetDeviceInformation`."""
    return (
        f"<tds:GetDeviceInformationResponse><tds:Manufacturer>{vendor}</tds:Manufacturer><tds:Model>{model}</tds:Model>"
        f"<tds:FirmwareVersion>{firmware}</tds:FirmwareVersion><tds:SerialNumber>{serial}</tds:SerialNumber>"
        "<tds:HardwareId>1.0</tds:HardwareId></tds:GetDeviceInformationResponse>"
    )


def interfaces(mac: str) -> str:
    """`GetNetworkInterfaces`, the first of which is switched off."""
    return (
        '<tds:GetNetworkInterfacesResponse><tds:NetworkInterfaces token="wlan0"><tt:Enabled>false</tt:Enabled>'
        "<tt:Info><tt:HwAddress>02:00:00:00:00:00</tt:HwAddress></tt:Info></tds:NetworkInterfaces>"
        '<tds:NetworkInterfaces token="eth0"><tt:Enabled>true</tt:Enabled>'
        f"<tt:Info><tt:Name>eth0</tt:Name><tt:HwAddress>{mac}</tt:HwAddress></tt:Info></tds:NetworkInterfaces>"
        "</tds:GetNetworkInterfacesResponse>"
    )


def profiles(
    streams: list[tuple[str, str, str, int, int, float, int, int]], *, new: bool, quirks: frozenset[str]
) -> str:
    """`GetProfiles` of Media2 (`new`) or Media1. A stream: token, source, codec, width, height, rate, group, kbit/s."""
    prefix = "tr2" if new else "trt"
    made = []
    for token, source, codec, width, height, rate, group, kbits in streams:
        video = (
            f"<tt:Encoding>{codec if new or codec != 'H265' else 'H264'}</tt:Encoding>"
            f"<tt:Resolution><tt:Width>{width}</tt:Width><tt:Height>{height}</tt:Height></tt:Resolution>"
            f"<tt:RateControl><tt:FrameRateLimit>{rate:g}</tt:FrameRateLimit>"
            f"<tt:BitrateLimit>{kbits}</tt:BitrateLimit></tt:RateControl>"
        )
        if new:
            made.append(
                f'<tr2:Profiles token="{token}"><tr2:Name>{token}</tr2:Name><tr2:Configurations>'
                f'<tr2:VideoSource token="v{source}"><tt:SourceToken>{source}</tt:SourceToken></tr2:VideoSource>'
                f'<tr2:VideoEncoder token="e{token}" GovLength="{group}">{video}</tr2:VideoEncoder>'
                "</tr2:Configurations></tr2:Profiles>"
            )
        else:
            made.append(
                f'<trt:Profiles token="{token}"><tt:Name>{token}</tt:Name>'
                f'<tt:VideoSourceConfiguration token="v{source}"><tt:SourceToken>{source}</tt:SourceToken>'
                f'</tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration token="e{token}">{video}'
                f"<tt:H264><tt:GovLength>{group}</tt:GovLength></tt:H264></tt:VideoEncoderConfiguration></trt:Profiles>"
            )
    if "profiles_without_video" in quirks:
        made += [f'<{prefix}:Profiles token="audio"><tt:Name>audio</tt:Name></{prefix}:Profiles>', made[0]]
    return f"<{prefix}:GetProfilesResponse>{''.join(made)}</{prefix}:GetProfilesResponse>"


def stream(url: str, *, new: bool) -> str:
    """`GetStreamUri`."""
    safe = url.replace("&", "&amp;")
    if new:
        return f"<tr2:GetStreamUriResponse><tr2:Uri>{safe}</tr2:Uri></tr2:GetStreamUriResponse>"
    return f"<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>{safe}</tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>"


def probe_match(relates_to: str, uuid: str, xaddr: str, vendor: str, model: str) -> bytes:
    """The answer to a probe of WS-Discovery."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
        ' xmlns:a="http://schemas.xmlsoap.org/ws/2004/08/addressing"'
        ' xmlns:d="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:dn="http://www.onvif.org/ver10/network/wsdl">'
        "<s:Header><a:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</a:Action>"
        f"<a:RelatesTo>{relates_to}</a:RelatesTo></s:Header><s:Body><d:ProbeMatches><d:ProbeMatch>"
        f"<a:EndpointReference><a:Address>urn:uuid:{uuid}</a:Address></a:EndpointReference>"
        "<d:Types>dn:NetworkVideoTransmitter</d:Types>"
        f"<d:Scopes>onvif://www.onvif.org/name/{vendor} onvif://www.onvif.org/hardware/{model}"
        " onvif://www.onvif.org/Profile/Streaming</d:Scopes>"
        f"<d:XAddrs>{xaddr}</d:XAddrs><d:MetadataVersion>1</d:MetadataVersion></d:ProbeMatch></d:ProbeMatches></s:Body>"
        "</s:Envelope>"
    ).encode()
