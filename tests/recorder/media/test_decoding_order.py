"""Units of a hostile packet are put in order as well, however many there are."""

from __future__ import annotations

from nvr.recorder.media.decoding_order import H264Order

_MTAP16 = 26


def test_a_packet_of_thousands_of_units_in_the_worst_order() -> None:
    """First those that come last: each of the others belongs before all of them."""
    differences = [*[200] * 4000, *[100] * 4000, *[0] * 4000]
    payload = bytearray([_MTAP16, 0, 0])
    for number, difference in enumerate(differences):
        # Size, what its number and its time are later by, and a slice of two bytes.
        payload += bytes([0, 2, difference, 0, 0, 0x41, number & 0xFF])
    order = H264Order(depth=4)
    assert order.read(memoryview(payload), 0)
    units = [*order.ready(), *order.rest()]
    assert len(units) == len(differences)
    numbers = [unit.number for unit in units]
    assert numbers == sorted(numbers) and len(set(numbers)) == 3
    # Of one number they stay as they came.
    assert [unit.data[1] for unit in units[:4000]] == [number & 0xFF for number in range(8000, 12000)]
