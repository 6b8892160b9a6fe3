//! One connection's regular way from bytes to fragments: interleaved framing (RFC 2326 10.12) and RTP (RFC 3550), then
//! `frames`, `line` and `film`.

use crate::Odd;
use crate::film::{Film, Fragment};
use crate::frames::Frames;
use crate::line::Line;
use crate::numbers;

const DOLLAR: u8 = b'$';
const HEADER_BYTES: usize = 12;

numbers! {
    /// What packets change.
    Packets {
        /// Of the track's RTP.
        channel,
        payload_type,
        ssrc,
        /// Of the last packet, without wrap; and how many came of this sender.
        highest,
        received,
        /// All that came, and the bytes of their payloads.
        packets,
        bytes,
        /// Packets there were when the last read ended, and when the last frame ended that a packet ended of itself;
        /// the decoding time of that frame.
        settled,
        whole_at,
        whole_time,
        /// When the last frame was handed out; when the last read ended that left a frame open.
        took_us,
        read_us,
        /// `Received`: how long packets came, the last one when (`NEVER`: none did), and what silence counts at most.
        came_us,
        last_came_us,
        silence_us,
    }
}

/// Why the lane stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// All that is whole was taken, and the read is settled; with a frame at its very end, or without.
    Taken = 0,
    TakenWhole = 1,
    /// A fragment is to be fetched before it goes on.
    Fragment = 2,
    /// A frame is to be fetched that is not regular; the lane stands before it.
    Frame = 3,
    /// What follows is of another channel, or no packet.
    Other = 4,
    /// The packet that follows is not regular.
    Packet = 5,
}

/// An open unit's header, and what has come behind it.
pub type Unit<'a> = (&'a [u8], &'a [u8]);

/// A connection.
#[derive(Debug, Clone)]
pub struct Lane {
    pub packets: Packets,
    pub frames: Frames,
    pub line: Line,
    pub film: Film,
    fragment: Option<Fragment>,
    has_odd_frame: bool,
    sets: Vec<Vec<u8>>,
}

impl Lane {
    /// `sets`: the parameter sets in front of keyframes, which need no thought.
    pub fn new(
        packets: Packets,
        frames: Frames,
        line: Line,
        film: Film,
        sets: Vec<Vec<u8>>,
    ) -> Self {
        Lane {
            packets,
            frames,
            line,
            film,
            fragment: None,
            has_odd_frame: false,
            sets,
        }
    }

    /// Takes what was read, at these times of the server's clocks; how much of it, and why not more.
    pub fn take(&mut self, data: &[u8], now_us: i64, monotonic_us: i64) -> (usize, Why) {
        let mut at = 0;
        loop {
            if self.has_odd_frame {
                return (at, Why::Frame);
            }
            if self.fragment.is_some() {
                return (at, Why::Fragment);
            }
            let rest = data.get(at..).unwrap_or_default();
            let Some(first) = rest.first() else { break };
            if *first != DOLLAR
                || rest
                    .get(1)
                    .is_some_and(|channel| i64::from(*channel) != self.packets.channel)
            {
                return (at, Why::Other);
            }
            let &[_, _, high, low, ..] = rest else { break };
            let size = usize::from(u16::from_be_bytes([high, low]));
            let Some(packet) = rest.get(4..4 + size) else {
                break;
            };
            if self.packet(packet, now_us, monotonic_us).is_err() {
                return (at, Why::Packet);
            }
            at += 4 + size;
        }
        (at, self.settle(monotonic_us))
    }

    fn settle(&mut self, monotonic_us: i64) -> Why {
        let packets = &mut self.packets;
        if self.frames.open().has_slice_open() {
            packets.read_us = monotonic_us;
        }
        if packets.packets == packets.settled {
            return Why::Taken;
        }
        packets.settled = packets.packets;
        if packets.last_came_us != crate::line::NEVER {
            let passed_us = monotonic_us.saturating_sub(packets.last_came_us);
            packets.came_us = packets
                .came_us
                .saturating_add(passed_us.min(packets.silence_us));
        }
        packets.last_came_us = monotonic_us;
        if packets.whole_at == packets.packets {
            Why::TakenWhole
        } else {
            Why::Taken
        }
    }

    fn packet(&mut self, packet: &[u8], now_us: i64, monotonic_us: i64) -> Result<(), Odd> {
        let Some((&[flags, kind, n0, n1, t0, t1, t2, t3, s0, s1, s2, s3], payload)) =
            packet.split_first_chunk::<HEADER_BYTES>()
        else {
            return Err(Odd);
        };
        let number = u16::from_be_bytes([n0, n1]);
        if flags != 0x80
            || i64::from(kind & 0x7f) != self.packets.payload_type
            || i64::from(number) != (self.packets.highest + 1) & 0xffff
            || i64::from(u32::from_be_bytes([s0, s1, s2, s3])) != self.packets.ssrc
            || payload.is_empty()
        {
            return Err(Odd);
        }
        let timestamp = u32::from_be_bytes([t0, t1, t2, t3]);
        let ended = self
            .frames
            .feed(&mut self.film.data, payload, timestamp, kind & 0x80 != 0)?;
        let packets = &mut self.packets;
        packets.highest += 1;
        packets.received += 1;
        packets.packets += 1;
        packets.bytes = packets
            .bytes
            .saturating_add(i64::try_from(payload.len()).unwrap_or(0));
        if ended {
            self.frames.finish();
            self.has_odd_frame = self.frame(now_us, monotonic_us).is_err();
        }
        Ok(())
    }

    /// A frame ended, which is whole.
    fn frame(&mut self, now_us: i64, monotonic_us: i64) -> Result<(), Odd> {
        let (at, keyframe) = (self.frames.frame_at(), self.frames.open().keyframe);
        let bytes = &self.film.data[at..];
        if keyframe {
            let sets = crate::units::sets_in_front(self.frames.codec(), bytes).ok_or(Odd)?;
            if !sets.is_empty() && sets != self.sets {
                return Err(Odd);
            }
        }
        let placed = self
            .line
            .place(self.frames.timestamp(), keyframe, now_us, monotonic_us)?;
        self.fragment = self
            .film
            .add(placed.at(), bytes.len(), monotonic_us, keyframe)?;
        self.line.commit(&placed);
        let packets = &mut self.packets;
        packets.took_us = monotonic_us;
        (packets.whole_at, packets.whole_time) = (packets.packets, self.line.times.latest);
        Ok(())
    }

    /// The fragment that is whole, if there is one; `fetched` is to be called when its bytes were copied.
    pub fn fragment(&self) -> Option<(&Fragment, &[u8])> {
        let fragment = self.fragment.as_ref()?;
        Some((fragment, &self.film.data[..fragment.bytes]))
    }

    pub fn fetched(&mut self) {
        if let Some(fragment) = self.fragment.take() {
            self.film.data.drain(..fragment.bytes);
            self.frames.moved(fragment.bytes);
        }
    }

    /// The frame that is not regular, which the lane then has no more.
    pub fn odd_frame(&mut self) -> Option<(Vec<u8>, u32, bool)> {
        if !self.has_odd_frame {
            return None;
        }
        self.has_odd_frame = false;
        let bytes = self.film.data.split_off(self.frames.frame_at());
        Some((bytes, self.frames.timestamp(), self.frames.open().keyframe))
    }

    /// What of an open frame has come, in pieces as the reference keeps them; and the open unit's header and size, if
    /// one is open.
    pub fn open_parts(&self) -> (&[u8], Option<Unit<'_>>) {
        let open = self.frames.open();
        if !open.active {
            return (&[], None);
        }
        let bytes = &self.film.data[self.frames.frame_at()..];
        if !open.fragment {
            return (bytes, None);
        }
        let (before, unit) = bytes.split_at(open.unit_at);
        (
            before,
            Some(unit[4..].split_at(self.frames.codec().header_bytes())),
        )
    }
}
