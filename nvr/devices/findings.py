"""What is wrong about a device, from its facts, in words with a proposal. Pure.

A finding is a code and its figures; the words are the reader's. Invariant: a finding rests on what the device answered;
what it merely declares is called declared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from nvr.devices.onvif.facts import DeviceFacts, DeviceFinding
from storage.sentences import Sentence, quoted

__all__ = ["FINDINGS", "judged", "words_of"]

_CLOCK_S: Final = 2.0
_KEYFRAME_S: Final = 4.0

FINDINGS: Final[Mapping[str, Sentence]] = {
    "open_to_all": Sentence(
        "it answers questions about its streams without any login: set a password, and switch anonymous access off"
    ),
    "login_refused": Sentence(
        "it refused the password, which is not tried again: correct it, and scan again with the right one"
    ),
    "login_blocked": Sentence(
        "no login was tried, because passwords were refused here within a day: wait, or let it be tried now"
    ),
    "login_impossible": Sentence("it could not be logged in to ({why}): look at it in a browser"),
    "login_for_time": Sentence("it wants a login even for its time: let it answer that openly, as ONVIF has it"),
    "basic_offered": Sentence("it also takes the password in plain text (Basic): allow digests only"),
    "clock_off": Sentence("its clock is {seconds} s off: let it use a time server"),
    "clock_manual": Sentence("its clock is set by hand, so that it will drift: let it use a time server"),
    "clock_unknown": Sentence("it does not say what time it has: look at its clock"),
    "clock_local": Sentence(
        "what it calls UTC is off by its time zone, {zone}: set its zone right, and let it use a time server"
    ),
    "keyframes_far": Sentence(
        "its main stream declares keyframes {seconds} s apart: set 1 to 4 s, and switch smart codecs off"
    ),
    "no_video": Sentence("it declares no video stream: look at its profiles"),
    "no_sub_stream": Sentence("it declares no second, smaller stream: switch one on for walls of many pictures"),
    "codec_odd": Sentence("its main stream is {codec}: H.264 and H.265 are recorded best"),
    "serial_missing": Sentence("its serial number tells it from no other: it can't be found again by it"),
    "serial_shared": Sentence(
        "another device, at {address}, has the same serial number: find out which is which before either is moved"
    ),
    "names_other_host": Sentence("it calls itself {host}, where it was not reached: correct its network settings"),
    "answers_unread": Sentence("some of its answers could not be read ({why})"),
    "look_failed": Sentence(
        "looking at it failed ({why}), which is a fault of this server: report it, with what the log says of it"
    ),
    "only_rtsp": Sentence("it answers RTSP but no ONVIF: switch ONVIF on, or add it by its address"),
}
"""Every finding by its code."""


def words_of(finding: DeviceFinding) -> Sentence:
    """A finding as a sentence."""
    known = FINDINGS.get(finding.code)
    return quoted(finding.code) if known is None else known.given(**finding.figures)


def judged(
    facts: DeviceFacts, *, is_clock_manual: bool = False, holds_local: bool = False
) -> tuple[DeviceFinding, ...]:
    """The findings that the facts have already, and those that follow from them."""
    return (*facts.findings, *_found(facts, is_clock_manual, holds_local))


def _found(facts: DeviceFacts, is_clock_manual: bool, holds_local: bool) -> Iterator[DeviceFinding]:
    if facts.kind == "rtsp":
        yield DeviceFinding("only_rtsp")
        return
    if facts.login == "none":
        yield DeviceFinding("open_to_all")
    elif facts.login in ("refused", "blocked"):
        yield DeviceFinding(f"login_{facts.login}")
    elif facts.login == "impossible":
        yield DeviceFinding("login_impossible", {"why": facts.why_no_login})
    if facts.clock_offset_s is None:
        yield DeviceFinding("clock_unknown")
    elif holds_local:
        yield DeviceFinding("clock_local", {"zone": facts.clock_zone})
    elif abs(facts.clock_offset_s) > _CLOCK_S + (facts.clock_within_s or 0.0):
        yield DeviceFinding("clock_off", {"seconds": round(facts.clock_offset_s)})
    if is_clock_manual:
        yield DeviceFinding("clock_manual")
    if facts.login in ("none", "digest", "wsse"):
        yield from _declared(facts)


def _declared(facts: DeviceFacts) -> Iterator[DeviceFinding]:
    if not facts.identity:
        yield DeviceFinding("serial_missing")
    if not facts.profiles:
        yield DeviceFinding("no_video")
        return
    mains = [profile for profile in facts.profiles if profile.use == "main"]
    far = [profile.keyframe_s for profile in mains if (profile.keyframe_s or 0.0) > _KEYFRAME_S]
    if far:
        yield DeviceFinding("keyframes_far", {"seconds": max(one for one in far if one is not None)})
    odd = [profile.codec for profile in mains if profile.codec not in ("h264", "h265")]
    if odd:
        yield DeviceFinding("codec_odd", {"codec": odd[0] or "?"})
    with_sub = {profile.source for profile in facts.profiles if profile.use == "sub"}
    if any(profile.source not in with_sub for profile in mains):
        yield DeviceFinding("no_sub_stream")
