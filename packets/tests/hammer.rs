//! Hostile and odd streams: whatever comes, nothing panics, what is taken is whole, and what is not taken leaves no
//! trace.
//!
//! `NVR_HAMMER_PACKETS=100000000 cargo test --release hammer -- --nocapture` runs as many packets; a few otherwise.

use std::collections::VecDeque;

use nvr_packets::film::{Cut, Film, Sample};
use nvr_packets::frames::{Counts, Frames, Order};
use nvr_packets::lane::{Lane, Packets, Why};
use nvr_packets::line::{Line, NEVER, Times};
use nvr_packets::units::Codec;
use proptest::prelude::*;

const START_US: i64 = 1_800_000_000_000_000;
const SET: [u8; 4] = [0x67, 0x42, 0x00, 0x1f];
const SET_265: [u8; 5] = [0x42, 0x01, 0x01, 0x01, 0x60];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % limit.max(1)
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// A lane as it is between two frames: the last one was at `timestamp`, packet `highest`.
fn lane(codec: Codec, highest: u16, timestamp: u32, now_us: i64) -> Lane {
    let packets = Packets {
        payload_type: 96,
        ssrc: 7,
        highest: i64::from(highest),
        last_came_us: NEVER,
        silence_us: 5_000_000,
        ..Packets::default()
    };
    let known = match codec {
        Codec::H264 => SET.to_vec(),
        Codec::H265 => SET_265.to_vec(),
    };
    let frames = Frames::new(
        codec,
        0,
        vec![known.clone()],
        timestamp,
        timestamp,
        Counts::default(),
        None,
        None,
        Order::default(),
    );
    let times = Times {
        unwrapped: i64::from(timestamp),
        jump_on: 900_000,
        learns: 1,
        num: 100,
        den: 9,
        second_end_us: now_us + 1_000_000,
        least_us: NEVER,
        base_media_us: i64::from(timestamp) * 100 / 9,
        base_wall_us: now_us,
        zero: 0,
        latest: i64::from(timestamp),
        last: i64::from(timestamp),
        clock_least_us: NEVER,
        window_end_us: NEVER,
        clocks_apart_us: START_US,
        keyframe_us: NEVER,
        ..Times::default()
    };
    let line = Line {
        times,
        remembered: VecDeque::new(),
        seconds: VecDeque::new(),
    };
    let cut = Cut {
        origin: i64::from(timestamp),
        longest: 45_000,
        longest_frame: 90_000,
        small_bytes: 16 << 10,
        track: 1,
        ..Cut::default()
    };
    let sample = Sample {
        time: 0,
        size: 3,
        read_us: 1,
        keyframe: true,
    };
    let film = Film::new(cut, vec![sample], vec![0; 3]).expect("a sample");
    Lane::new(packets, frames, line, film, vec![known])
}

/// A camera's packets, good ones and others.
struct Camera {
    codec: Codec,
    random: Random,
    number: u16,
    timestamp: u32,
    left: usize,
    fault: usize,
}

impl Camera {
    fn payload(&mut self, first: bool, last: bool) -> Vec<u8> {
        let (key, random) = (self.timestamp / 3600 % 25 == 0, &mut self.random);
        let most = if random.one_in(20) { 1400 } else { 60 };
        let size = 1 + random.below(most);
        let begin = if first { 0x80 } else { 0x40 };
        let mut made = match (self.codec, random.below(4)) {
            (Codec::H264, 0) if first && last => vec![if key { 0x65 } else { 0x41 }, begin],
            (Codec::H265, 0) if first && last => vec![if key { 0x26 } else { 0x02 }, 1, begin],
            (Codec::H264, 1) if first && last => {
                let mut made = vec![0x78, 0, 4];
                made.extend(SET);
                made.extend([0, 2, if key { 0x65 } else { 0x41 }, 0x80]);
                return made;
            }
            (Codec::H265, 1) if first && last => {
                let mut made = vec![0x60, 1, 0, 5];
                made.extend(SET_265);
                made.extend([0, 3, if key { 0x26 } else { 0x02 }, 1, 0x80]);
                return made;
            }
            (Codec::H264, _) => {
                let flags = u8::from(first) << 7 | u8::from(last) << 6 | if key { 5 } else { 1 };
                let mut made = vec![0x7c, flags];
                made.extend(first.then_some(begin));
                made
            }
            (Codec::H265, _) => {
                let flags = u8::from(first) << 7 | u8::from(last) << 6 | if key { 19 } else { 1 };
                let mut made = vec![0x62, 1, flags];
                made.extend(first.then_some(begin));
                made
            }
        };
        made.extend((0..size).map(|_| (random.next() >> 56) as u8 | 1));
        made
    }

    /// The next packet, framed, perhaps with a fault.
    fn packet(&mut self) -> Vec<u8> {
        let first = self.left == 0;
        if first {
            self.timestamp = self.timestamp.wrapping_add(3600);
            self.left = 1 + self.random.below(4);
        }
        self.left -= 1;
        self.number = self.number.wrapping_add(1);
        let last = self.left == 0;
        let payload = self.payload(first, last);
        let mut made = vec![b'$', 0, 0, 0, 0x80, u8::from(last) << 7 | 96];
        made.extend(self.number.to_be_bytes());
        made.extend(self.timestamp.to_be_bytes());
        made.extend(7u32.to_be_bytes());
        made.extend(payload);
        let size = u16::try_from(made.len() - 4).unwrap_or(0);
        made[2..4].copy_from_slice(&size.to_be_bytes());
        if self.random.one_in(self.fault) {
            let at = self.random.below(made.len());
            match self.random.below(4) {
                0 => made[at] = (self.random.next() >> 56) as u8,
                1 => made.truncate(at),
                2 => {
                    let more = (self.random.next() >> 56) as u8;
                    made.insert(at, more);
                }
                _ => {
                    let bit = self.random.below(8);
                    made[at] ^= 1 << bit;
                }
            }
        }
        made
    }
}

fn check_fragment(lane: &Lane) {
    let (fragment, data) = lane.fragment().expect("a fragment");
    let rows: Vec<_> = fragment.rows.chunks_exact(4).collect();
    assert_eq!(rows.len(), fragment.count);
    let size: i64 = rows.iter().map(|row| row[0]).sum();
    let duration: i64 = rows.iter().map(|row| row[1]).sum();
    assert_eq!(usize::try_from(size), Ok(data.len()));
    assert_eq!(fragment.decode_time + duration, fragment.end);
    assert!(rows.iter().all(|row| row[1] > 0 && row[2] == 0));
    let moof = u32::from_be_bytes(fragment.head[..4].try_into().expect("four bytes")) as usize;
    assert_eq!(moof + 8, fragment.head.len());
    let mdat = u32::from_be_bytes(
        fragment.head[moof..moof + 4]
            .try_into()
            .expect("four bytes"),
    ) as usize;
    assert_eq!(mdat, 8 + data.len());
}

/// Runs so many packets; how many were taken, and how many fragments came of them.
fn hammer(codec: Codec, seed: u64, packets: usize, fault: usize) -> (usize, usize) {
    let mut camera = Camera {
        codec,
        random: Random(seed | 1),
        number: 9,
        timestamp: 36_000,
        left: 0,
        fault,
    };
    let mut now_us = 0;
    let mut way = lane(codec, camera.number, camera.timestamp, START_US);
    let (mut taken, mut fragments, mut buffer) = (0, 0, Vec::new());
    for _ in 0..packets {
        let made = camera.packet();
        if made.get(5).is_some_and(|kind| kind & 0x80 != 0) {
            now_us += 40_000;
        }
        buffer.extend(made);
        if camera.random.one_in(2) {
            continue;
        }
        let before = way.packets.packets;
        let (mut at, mut why) = way.take(&buffer, START_US + now_us, now_us);
        while why == Why::Fragment {
            check_fragment(&way);
            fragments += 1;
            way.fetched();
            let more = way.take(&buffer[at..], START_US + now_us, now_us);
            (at, why) = (at + more.0, more.1);
        }
        taken += usize::try_from(way.packets.packets - before).unwrap_or(0);
        let (parts, unit) = way.open_parts();
        let open = parts.len() + unit.map_or(0, |(header, more)| 4 + header.len() + more.len());
        let odd = way.odd_frame().map_or(0, |frame| frame.0.len());
        assert!(odd == 0 || why == Why::Frame);
        assert_eq!(
            way.film.bytes() + if odd == 0 { open } else { 0 },
            way.film.data.len()
        );
        if matches!(why, Why::Taken | Why::TakenWhole) {
            buffer.drain(..at);
            assert!(buffer.len() < 4 + 65_536);
        } else {
            // The reference would go on here; in its place the camera begins anew with the next frame.
            buffer.clear();
            camera.left = 0;
            way = lane(codec, camera.number, camera.timestamp, START_US + now_us);
        }
    }
    (taken, fragments)
}

/// Reads all, cut so; the fragments that come of it, up to what is not regular.
fn read(way: &mut Lane, data: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
    let (mut begin, mut found) = (0, Vec::new());
    for cut in cuts {
        loop {
            let (at, why) = way.take(&data[begin..*cut], START_US + 40_000, 40_000);
            begin += at;
            match why {
                Why::Fragment => {
                    let (fragment, bytes) = way.fragment().expect("a fragment");
                    found.push([&fragment.head, bytes].concat());
                    way.fetched();
                }
                Why::Taken | Why::TakenWhole => break,
                _ => return found,
            }
        }
    }
    found
}

#[test]
fn hammered() {
    let packets = std::env::var("NVR_HAMMER_PACKETS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(200_000);
    let (mut taken, mut fragments) = (0, 0);
    for (number, codec) in [Codec::H264, Codec::H265]
        .into_iter()
        .cycle()
        .take(8)
        .enumerate()
    {
        let fault = [5, 20, 100, 10_000][number / 2];
        let (a, b) = hammer(
            codec,
            0x9e37_79b9_7f4a_7c15 ^ number as u64,
            packets / 8,
            fault,
        );
        (taken, fragments) = (taken + a, fragments + b);
    }
    println!("{packets} packets, {taken} taken, {fragments} fragments");
    assert!(taken > packets / 4 && fragments > packets / 1000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes that are anything.
    #[test]
    fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..400), h264 in any::<bool>()) {
        let mut way = lane(if h264 { Codec::H264 } else { Codec::H265 }, 9, 36_000, START_US);
        let (at, _) = way.take(&data, START_US, 0);
        prop_assert!(at <= data.len());
    }

    /// Payloads that are anything, in packets that are regular: taken, or no trace is left.
    #[test]
    fn any_payloads(
        payloads in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 1..40), any::<bool>()), 1..12),
        h264 in any::<bool>(),
    ) {
        let mut way = lane(if h264 { Codec::H264 } else { Codec::H265 }, 9, 36_000, START_US);
        for (number, (payload, marker)) in payloads.iter().enumerate() {
            let mut made = vec![b'$', 0];
            made.extend(u16::try_from(12 + payload.len()).unwrap().to_be_bytes());
            made.extend([0x80, u8::from(*marker) << 7 | 96]);
            made.extend((10 + u16::try_from(number).unwrap()).to_be_bytes());
            made.extend((36_000 + 3600 * u32::from(way.frames.open().active || number == 0)).to_be_bytes());
            made.extend(7u32.to_be_bytes());
            made.extend(payload);
            let before = (way.packets, way.frames.counts(), way.film.data.clone(), way.frames.timestamp());
            let (at, why) = way.take(&made, START_US + 40_000, 40_000);
            if why == Why::Packet {
                prop_assert_eq!(at, 0);
                let after = (way.packets, way.frames.counts(), way.film.data.clone(), way.frames.timestamp());
                prop_assert_eq!(before, after);
                break;
            }
            if why == Why::Frame {
                break;
            }
            if why == Why::Fragment {
                way.fetched();
            }
        }
    }

    /// However a stream is cut into reads at one moment, the same comes of it.
    #[test]
    fn any_cuts(seed in any::<u64>(), cuts in proptest::collection::vec(0usize..4000, 0..8), h264 in any::<bool>()) {
        let codec = if h264 { Codec::H264 } else { Codec::H265 };
        let random = Random(seed | 1);
        let mut camera = Camera { codec, random, number: 9, timestamp: 36_000, left: 0, fault: 1 << 30 };
        let data: Vec<u8> = (0..20).flat_map(|_| camera.packet()).collect();
        let mut whole = lane(codec, 9, 36_000, START_US);
        let mut parts = whole.clone();
        let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < data.len()).collect();
        cuts.push(data.len());
        cuts.sort_unstable();
        let fragments = [read(&mut whole, &data, &[data.len()]), read(&mut parts, &data, &cuts)];
        prop_assert_eq!(&fragments[0], &fragments[1]);
        prop_assert_eq!(whole.film.data, parts.film.data);
        prop_assert_eq!(whole.film.samples, parts.film.samples);
        prop_assert_eq!(whole.line.times, parts.line.times);
    }
}
