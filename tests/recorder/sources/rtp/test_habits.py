"""What cameras put into packets that no standard foresees, habit by habit: fed packet by packet, every frame that was
sent comes out, whole, once, and nothing is claimed to be missing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

import pytest

from tests.recorder.sources.odd import FRAME, H264, H265, Camera, Kind, packet

CODE: Final = b"\0\0\0\1"
SHORT: Final = b"\0\0\1"
COUNT: Final = 44
Habit = Callable[[Camera, int], None]
BOTH: dict[str, Habit] = {}
ONLY_H264: dict[str, Habit] = {}
ONLY_H265: dict[str, Habit] = {}


def both(habit: Habit) -> Habit:
    BOTH[habit.__name__] = habit
    return habit


def h264(habit: Habit) -> Habit:
    ONLY_H264[habit.__name__] = habit
    return habit


def h265(habit: Habit) -> Habit:
    ONLY_H265[habit.__name__] = habit
    return habit


# Payloads ------------------------------------------------------------------------------------------------------------


@both
def as_it_should_be(camera: Camera, number: int) -> None:
    camera.frames(number)


@both
def unknown_types_first(camera: Camera, number: int) -> None:
    """Types that the codec has not, as vendors use them for data of their own."""
    kinds = (0, 30, 31, 26, 27, 29) if camera.kind is H264 else (50, 55, 63, 41, 22, 31)
    kind = kinds[number % len(kinds)]
    unit = (bytes((kind,)) if camera.kind is H264 else bytes((kind << 1, 1))) + b"\x7f" * 30
    camera.send(number * FRAME, unit, *camera.payloads(number))


@both
def unknown_types_last(camera: Camera, number: int) -> None:
    """The same behind the slices, with the marker."""
    unit = (b"\x1f" if camera.kind is H264 else b"\x7e\x01") + b"\x7f" * 30
    camera.send(number * FRAME, *camera.payloads(number), unit)


@both
def unknown_types_in_fragments(camera: Camera, number: int) -> None:
    unit = (b"\x1e" if camera.kind is H264 else b"\x7a\x01") + b"\x7f" * 40
    camera.send(number * FRAME, *camera.kind.fragments(unit), *camera.payloads(number))


@both
def unknown_types_aggregated(camera: Camera, number: int) -> None:
    unit = (b"\x1e" if camera.kind is H264 else b"\x7a\x01") + b"\x7f" * 8
    *before, last = camera.units(number)
    camera.send(number * FRAME, camera.kind.pack(unit, *before, unit, last, unit))


@both
def aggregated_with_an_empty_unit(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    aggregated = [camera.kind.pack(b"", *before, b"")] if before else []
    camera.send(number * FRAME, *aggregated, last)


@both
def aggregated_with_bytes_behind(camera: Camera, number: int) -> None:
    camera.send(number * FRAME, camera.kind.pack(*camera.units(number)) + b"\0" * (number % 3))


@both
def aggregated_with_a_unit_cut_short(camera: Camera, number: int) -> None:
    """The last unit, no slice, says that it is longer than the packet."""
    camera.send(number * FRAME, camera.kind.pack(*camera.units(number)) + struct.pack("!H", 90) + camera.kind.sei)


@both
def start_codes_before_every_unit(camera: Camera, number: int) -> None:
    """One payload for a whole frame, as a byte stream."""
    camera.send(number * FRAME, b"".join((CODE if number % 2 else SHORT) + unit for unit in camera.units(number)))


@both
def start_codes_before_every_payload(camera: Camera, number: int) -> None:
    camera.send(number * FRAME, *(CODE + unit for unit in camera.units(number)))


@both
def a_byte_stream_in_fragments(camera: Camera, number: int) -> None:
    """SPS, PPS and keyframe in one fragmented unit that bears the header of the first."""
    camera.send(number * FRAME, *camera.kind.fragments(CODE.join(camera.units(number))))


@both
def a_byte_stream_in_fragments_with_a_header_of_its_own(camera: Camera, number: int) -> None:
    """The same behind a start code, and in front of it a header as of a slice."""
    head = camera.units(number)[-1][: 1 if camera.kind is H264 else 2]
    camera.send(number * FRAME, *camera.kind.fragments(head + CODE + CODE.join(camera.units(number)), 17))


@both
def several_slices_in_one_unit(camera: Camera, number: int) -> None:
    """Slices that only start codes part."""
    *before, last = camera.units(number)
    more = camera.kind.slice(number, key=number % 10 == 0, first=False)
    camera.send(number * FRAME, *before, *camera.kind.fragments(last + SHORT + more))


@both
def parameter_sets_in_one_unit(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    camera.send(number * FRAME, *([CODE.join(before)] if before else []), last)


@both
def fragments_without_end(camera: Camera, number: int) -> None:
    payloads = camera.payloads(number)
    at = 1 if camera.kind is H264 else 2
    payloads[-1] = payloads[-1][:at] + bytes((payloads[-1][at] & ~0x40,)) + payloads[-1][at + 1 :]
    camera.send(number * FRAME, *payloads)


@both
def fragments_without_end_or_marker(camera: Camera, number: int) -> None:
    payloads = camera.payloads(number)
    at = 1 if camera.kind is H264 else 2
    payloads[-1] = payloads[-1][:at] + bytes((payloads[-1][at] & ~0x40,)) + payloads[-1][at + 1 :]
    camera.send(number * FRAME, *payloads, marker=False)


@both
def an_end_on_every_fragment(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    at = 1 if camera.kind is H264 else 2
    parts = [part[:at] + bytes((part[at] | 0x40,)) + part[at + 1 :] for part in camera.kind.fragments(last, 25)]
    camera.send(number * FRAME, *before, *parts)


@both
def one_fragment_that_is_start_and_end(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    camera.send(number * FRAME, *before, *camera.kind.fragments(last, 1000))


@both
def fragments_without_content(camera: Camera, number: int) -> None:
    """The first has nothing but its headers, so has one in the middle, and the last."""
    *before, last = camera.units(number)
    at = 1 if camera.kind is H264 else 2
    parts = camera.kind.fragments(last, 25)
    begin, go_on, stop = parts[0][: at + 1], parts[1][: at + 1], parts[-1][: at + 1]
    bare = [part[:at] + bytes((part[at] & 0x3F,)) + part[at + 1 :] for part in parts]
    camera.send(number * FRAME, *before, begin, bare[0], go_on, *bare[1:], stop)


@both
def delimiters_and_fillers_alone(camera: Camera, number: int) -> None:
    """Between frames, with a time and a marker of their own: they belong to the frame that follows, if to any."""
    delimiter, filler = (
        (b"\x09\x10", b"\x0c\xff\x80") if camera.kind is H264 else (b"\x46\x01\x10", b"\x4c\x01\xff\x80")
    )
    camera.send(number * FRAME, *camera.payloads(number))
    camera.send(number * FRAME + 900, delimiter)
    camera.send(number * FRAME + 1800, filler)


@both
def an_end_of_sequence_last(camera: Camera, number: int) -> None:
    camera.send(number * FRAME, *camera.payloads(number), camera.kind.suffix)


@both
def a_byte_of_a_unit(camera: Camera, number: int) -> None:
    """Slices of nothing but a header, and payloads of a single byte."""
    head = camera.kind.slice(number)[: 1 if camera.kind is H264 else 2]
    camera.send(number * FRAME, head, *camera.payloads(number), head[:1])


@both
def zeros_behind_units(camera: Camera, number: int) -> None:
    """Trailing zeros of a byte stream."""
    camera.send(number * FRAME, *(CODE + unit + b"\0\0\0" for unit in camera.units(number)))


@h264
def aggregated_with_decoding_order_numbers(camera: Camera, number: int) -> None:
    """STAP-B and FU-B."""
    *before, last = camera.units(number)
    stap = [b"\x79\0\1" + camera.kind.pack(*before)[1:]] if before else []
    first, *rest = camera.kind.fragments(last, 25)
    camera.send(number * FRAME, *stap, bytes((first[0] | 1,)) + first[1:2] + b"\0\1" + first[2:], *rest)


# Packets -------------------------------------------------------------------------------------------------------------


@both
def empty_packets(camera: Camera, number: int) -> None:
    """In sequence, between frames and within them."""
    payloads = camera.payloads(number)
    camera.send(number * FRAME, payloads[0], b"", *payloads[1:])
    camera.send(number * FRAME, b"", marker=False)


@both
def empty_packets_that_repeat_a_number(camera: Camera, number: int) -> None:
    camera.frames(number)
    camera.read(packet(b"", camera.number - 1, number * FRAME))
    camera.read(packet(b"", camera.number, number * FRAME))


@both
def packets_of_padding(camera: Camera, number: int) -> None:
    camera.frames(number)
    camera.read(packet(bytes(15) + b"\x10", camera.number, number * FRAME, flags=0xA0))
    camera.number += 1


@both
def padding_of_no_length(camera: Camera, number: int) -> None:
    """The padding bit, and a last byte that can't be a length."""
    payloads = camera.payloads(number)
    payloads = [payload[:-1] + bytes((payload[-1] | 0xE0,)) for payload in payloads[:0]] + payloads
    made = camera.packets(number * FRAME, payloads)
    # The slices here end in Z, which is more than there is; the sets' last bytes too.
    camera.read(*(bytes((each[0] | 0x20,)) + each[1:] if each[-1] > len(each) - 12 else each for each in made))


@both
def extensions_and_contributors(camera: Camera, number: int) -> None:
    """Header extensions, and a CSRC list; and packets that announce them and have no room for them."""
    for at, payload in enumerate(camera.payloads(number)):
        last = at == len(camera.payloads(number)) - 1
        camera.read(
            packet(
                payload, camera.number, number * FRAME, last, flags=0x91, middle=b"\0\0\0\5\xab\xac\0\1\0\0\0\0"
            )
        )  # fmt: skip
        camera.number += 1
    camera.read(packet(b"", camera.number, number * FRAME, flags=0x90))
    camera.read(packet(b"", camera.number + 1, number * FRAME, flags=0x81))
    camera.number += 2


@both
def another_type_with_the_next_number(camera: Camera, number: int) -> None:
    """A private packet before each frame, with marker, and the number of the packet that follows."""
    camera.read(packet(b"\x10\x7f" * 20, camera.number, number * FRAME, True, kind=50))
    camera.frames(number)


@both
def another_type_in_sequence(camera: Camera, number: int) -> None:
    payloads = camera.payloads(number)
    camera.send(number * FRAME, payloads[0], marker=False)
    camera.read(packet(b"\x10\x7f" * 20, camera.number, number * FRAME, kind=112))
    camera.number += 1
    camera.send(number * FRAME, *payloads[1:])
    camera.read(packet(b"\x10\x7f" * 20, camera.number, number * FRAME, kind=112))
    camera.number += 1


@both
def another_type_with_numbers_of_its_own(camera: Camera, number: int) -> None:
    camera.frames(number)
    camera.read(packet(b"\x10\x7f" * 20, 9000 + number, 77 * number, kind=112))


@both
def another_type_that_looks_like_video(camera: Camera, number: int) -> None:
    """A second stream of the same codec on the channel."""
    camera.read(packet(camera.kind.slice(99_999), 9000 + number, 77 * number, True, kind=112))
    camera.frames(number)


@both
def a_type_that_was_not_described(camera: Camera, number: int) -> None:
    camera.payload_type = 97
    camera.frames(number)


@both
def a_type_that_changes(camera: Camera, number: int) -> None:
    camera.payload_type = 96 if number < 13 else 98
    camera.frames(number)


@both
def a_type_that_changes_and_changes_back(camera: Camera, number: int) -> None:
    camera.payload_type = 98 if 13 <= number < 27 else 96
    camera.frames(number)


@both
def packets_of_an_older_session(camera: Camera, number: int) -> None:
    """Another SSRC, with numbers of its own; the very first packet is one."""
    if number % 5 == 0:
        camera.read(packet(camera.kind.slice(99_999), 700 + number, 777_777 + number, True, ssrc=99))
    camera.frames(number)


@both
def keyframes_of_an_older_session(camera: Camera, number: int) -> None:
    camera.frames(number)
    camera.read(packet(camera.kind.slice(99_999, key=True), 700 + number, 777_777 + number * FRAME, True, ssrc=99))


@both
def another_sender_that_goes_on(camera: Camera, number: int) -> None:
    """Another SSRC in the middle of a group, the numbers go on."""
    camera.ssrc = 7 if number < 14 else 8
    camera.frames(number)


@both
def another_sender_with_other_numbers(camera: Camera, number: int) -> None:
    """Another SSRC and other numbers, in the middle of a group; the times go on, so nothing is missing."""
    if number == 14:
        camera.ssrc, camera.number = 8, 12
    camera.frames(number)


@both
def numbers_that_begin_at_zero_again(camera: Camera, number: int) -> None:
    if number in (14, 33):
        camera.number = 0
    camera.frames(number)


@both
def numbers_of_fifteen_bits(camera: Camera, number: int) -> None:
    if number == 0:
        camera.number = 32_700
    camera.frames(number)
    camera.number &= 0x7FFF


@both
def numbers_that_jump_on(camera: Camera, number: int) -> None:
    """By thousands, between two frames whose times follow each other."""
    if number == 14:
        camera.number += 5000
    camera.frames(number)


@both
def every_packet_twice(camera: Camera, number: int) -> None:
    for each in camera.packets(number * FRAME, camera.payloads(number)):
        camera.read(each, each)


@both
def every_frame_twice(camera: Camera, number: int) -> None:
    made = camera.packets(number * FRAME, camera.payloads(number))
    camera.read(*made, *made)


@both
def packets_out_of_order(camera: Camera, number: int) -> None:
    made = camera.packets(number * FRAME, camera.payloads(number))
    if number % 3 == 1 and len(made) > 2:
        made[0], made[2] = made[2], made[0]
    camera.read(*made)


@both
def frames_out_of_order(camera: Camera, number: int) -> None:
    """The last packet of a frame after the first of the next."""
    held: list[bytes] = getattr(camera, "held", [])
    made = camera.packets(number * FRAME, camera.payloads(number))
    camera.read(made[0], *held, *made[1:-1])
    camera.held = made[-1:]  # type: ignore[attr-defined]
    if number == COUNT - 1:
        camera.read(made[-1])


@both
def reports_on_the_media_channel(camera: Camera, number: int) -> None:
    report = struct.pack("!BBHIIIIII", 0x80, 200, 6, 7, 0x83AA7E80, 0, number * FRAME, number, 1000)
    camera.read(report)
    camera.frames(number)


@both
def media_on_the_channel_of_reports(camera: Camera, number: int) -> None:
    camera.read(*camera.packets(number * FRAME, camera.payloads(number)), channel=1)


@both
def channels_that_were_never_set_up(camera: Camera, number: int) -> None:
    """Their payload looks like packets of this one."""
    camera.frames(number)
    camera.read(packet(b"\x55" * 40 + b"$\x00\x20\x00\x80" + b"\x55" * 80, 7, 7, kind=0, ssrc=99), channel=6)


@both
def a_goodbye_of_another(camera: Camera, number: int) -> None:
    camera.read(struct.pack("!BBHI", 0x81, 203, 1, 99), channel=1)
    camera.frames(number)


@both
def a_goodbye_and_another_sender(camera: Camera, number: int) -> None:
    """The camera says goodbye at a keyframe, and goes on as another sender."""
    if number == 20:
        camera.read(struct.pack("!BBHI", 0x81, 203, 1, 7), channel=1)
        camera.ssrc, camera.number = 8, 40_000
    camera.frames(number)


# Markers and times ---------------------------------------------------------------------------------------------------


@both
def no_markers(camera: Camera, number: int) -> None:
    camera.send(number * FRAME, *camera.payloads(number), marker=False)


@both
def a_marker_on_every_packet(camera: Camera, number: int) -> None:
    for payload in camera.payloads(number):
        camera.send(number * FRAME, payload)


@both
def a_marker_on_every_unit(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    for payload in before:
        camera.send(number * FRAME, payload)
    camera.send(number * FRAME, *camera.kind.fragments(last))


@both
def a_marker_on_every_slice(camera: Camera, number: int) -> None:
    """From the first keyframe on, which has two slices as the others have."""
    *before, last = camera.units(number)
    camera.send(number * FRAME, *before, *camera.kind.fragments(last))
    camera.send(number * FRAME, *camera.kind.fragments(camera.kind.slice(number, key=number % 10 == 0, first=False)))


@both
def a_marker_on_every_slice_of_keyframes_alone(camera: Camera, number: int) -> None:
    """Most frames are one slice; the session begins with such."""
    camera.send(number * FRAME, *camera.payloads(number))
    if number % 10 == 0:
        camera.send(number * FRAME, camera.kind.slice(number, key=True, first=False))


@both
def messages_between_slices(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    more = camera.kind.slice(number, key=number % 10 == 0, first=False)
    camera.send(number * FRAME, *before, last, camera.kind.sei, more)


@both
def slices_with_times_of_their_own(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    camera.send(number * FRAME, *before, last, marker=False)
    camera.send(
        number * FRAME + 90, camera.kind.slice(number, key=number % 10 == 0, first=False), marker=number % 2 == 0
    )


@both
def parameter_sets_with_the_time_of_the_frame_before(camera: Camera, number: int) -> None:
    """And with the marker."""
    *before, last = camera.units(number)
    for unit in before:
        camera.send((number - 1) * FRAME, unit)
    camera.send(number * FRAME, *camera.kind.fragments(last))


@both
def parameter_sets_with_times_of_their_own(camera: Camera, number: int) -> None:
    *before, last = camera.units(number)
    for at, unit in enumerate(before):
        camera.send(number * FRAME - 900 + at, unit, marker=at == 0)
    camera.send(number * FRAME, *camera.kind.fragments(last))


@both
def one_time_for_two_frames(camera: Camera, number: int) -> None:
    camera.send(number // 2 * 2 * FRAME, *camera.payloads(number))


@both
def one_time_for_all(camera: Camera, number: int) -> None:
    camera.send(0, *camera.payloads(number))


@both
def one_time_for_many_and_no_markers(camera: Camera, number: int) -> None:
    """A raw pipe through a relay."""
    camera.send(number // 20 * 20 * FRAME, camera.kind.sei, *camera.payloads(number), marker=False)


@both
def one_time_for_all_and_no_markers(camera: Camera, number: int) -> None:
    camera.send(0, *camera.payloads(number), marker=False)


@both
def a_byte_stream_of_many_frames(camera: Camera, number: int) -> None:
    """Five frames in one payload: what has no time of its own shares one."""
    if number % 5 == 4:
        units = [unit for each in range(number - 4, number + 1) for unit in camera.units(each)]
        camera.send(number * FRAME, b"".join(CODE + unit for unit in units))
    elif number == COUNT - 1:
        units = [unit for each in range(number // 5 * 5, number + 1) for unit in camera.units(each)]
        camera.send(number * FRAME, b"".join(CODE + unit for unit in units))


@both
def units_larger_than_a_read(camera: Camera, number: int) -> None:
    """A single NAL unit of more than 60 kB in one packet."""
    *before, last = camera.units(number)
    camera.send(number * FRAME, *before, last + b"\x5a" * 65_000)


# Frames that are more than a good camera's, or that lack something by what the habit is.
_OTHER_BYTES: Final = {
    "several_slices_in_one_unit",
    "delimiters_and_fillers_alone",
    "an_end_of_sequence_last",
    "a_marker_on_every_slice",
    "a_marker_on_every_slice_of_keyframes_alone",
    "messages_between_slices",
    "slices_with_times_of_their_own",
    "one_time_for_many_and_no_markers",
    "units_larger_than_a_read",
}
CASES: Final = [
    pytest.param(kind, habit, id=f"{kind.name}-{name}")
    for kinds, habits in (((H264, H265), BOTH), ((H264,), ONLY_H264), ((H265,), ONLY_H265))
    for name, habit in habits.items()
    for kind in kinds
]


@pytest.mark.parametrize(("kind", "habit"), CASES)
def test_every_frame_comes_out(kind: Kind, habit: Habit) -> None:
    camera = Camera(kind)
    for number in range(COUNT):
        habit(camera, number)
    camera.end()
    assert camera.numbers == list(range(COUNT))
    assert camera.losses == [""] * COUNT
    assert camera.whole or habit.__name__ in _OTHER_BYTES
    counts = camera.receiver.depacketiser.counts
    assert (counts.damaged, counts.undecodable, camera.receiver.sequence.lost) == (0, 0, 0)
    keyframes = [came[0].keyframe for came in camera.came]
    assert keyframes == [number % 10 == 0 for number in range(COUNT)]


@pytest.mark.parametrize(("kind", "habit"), CASES)
def test_a_loss_is_seen_through_every_habit(kind: Kind, habit: Habit) -> None:
    """All packets of a frame are lost: it does not come out, nor do those that refer to it, and the next keyframe says
    so. The frame before may have lost its end."""
    if habit.__name__ == "a_byte_stream_of_many_frames":
        pytest.skip("one packet holds frames of two groups")
    camera = Camera(kind)
    read, lost = camera.read, [0]

    def lose(*packets: bytes, channel: int = 0) -> None:
        lost[0] += len(packets)

    for number in range(COUNT):
        camera.read = lose if number == 15 else read  # type: ignore[method-assign]
        habit(camera, number)
    camera.end()
    numbers, losses = camera.numbers, camera.losses
    before = numbers.index(20)
    assert before in (14, 15) and lost[0]
    assert numbers == [*range(before), *range(20, COUNT)]
    assert losses == [*[""] * before, "network", *[""] * (COUNT - 21)]
    assert camera.receiver.sequence.lost
