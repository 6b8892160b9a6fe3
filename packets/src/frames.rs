//! From RTP payloads to access units: the regular part of `nvr/recorder/sources/rtp/pictures.py`.
//!
//! A frame's packets share a timestamp, its first slice begins it, a marker ends it. Invariant: a payload is taken
//! whole or not at all.

use crate::units::{Codec, Kind, recovery_frames};
use crate::{Odd, numbers};

/// So much of a slice is kept of each frame, its unit's header included.
pub const HEAD_BYTES: usize = 24;
const LARGEST_BYTES: usize = 16 << 20;
/// So many frames in a row that have as many slices say that another number is doubtful; more are not counted.
const ALIKE: i64 = 64;
const MOST_ALIKE: i64 = 128;

/// The beginning of a frame's first slice, its time, and whether others refer to it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    pub head: [u8; HEAD_BYTES],
    pub length: usize,
    pub timestamp: u32,
    pub reference: bool,
}

impl Mark {
    pub fn of(head: &[u8], timestamp: u32, reference: bool) -> Self {
        let mut mark = Mark {
            timestamp,
            reference,
            ..Mark::default()
        };
        mark.set_head(&[head]);
        mark
    }

    fn set_head(&mut self, parts: &[&[u8]]) {
        self.length = 0;
        for byte in parts.iter().flat_map(|part| part.iter()).take(HEAD_BYTES) {
            self.head[self.length] = *byte;
            self.length += 1;
        }
    }

    pub fn bytes(&self) -> &[u8] {
        &self.head[..self.length]
    }
}

numbers! {
    /// What is counted.
    Counts {
        /// NAL units of known types.
        units,
        keyframes_begun,
        keyframes,
        /// Whole frames.
        frames,
        /// Markers.
        ends,
        /// Frames that ended.
        finished,
        /// Fragmented units whose end was announced.
        ended_units,
        /// Slices of the last frame; as many as frames have had since so many.
        usual_slices,
        steady_slices,
        alike,
        /// Ticks from frame to frame.
        usual,
    }
}

/// The open frame.
#[derive(Debug, Clone, Copy, Default)]
pub struct Open {
    /// Something of it has come.
    pub active: bool,
    pub has_slice: bool,
    pub keyframe: bool,
    pub has_sets: bool,
    pub open_group: bool,
    pub leading: bool,
    pub slices: i64,
    /// Frames until pictures are right, from a recovery point; -1: there is none.
    pub recovery: i64,
    /// A fragmented unit is open, whose length is to be filled in; its last fragment came.
    pub fragment: bool,
    pub unit_ended: bool,
    /// Where its length stands, from the frame's beginning.
    pub unit_at: usize,
    /// How payloads begin that only go on with it.
    pub middle: [u8; 3],
    pub mark: Mark,
}

impl Open {
    /// Whether the frame has begun, with a slice, and not ended.
    pub fn has_slice_open(&self) -> bool {
        self.active && self.has_slice
    }
}

/// All that a payload changes, so that it can be taken back.
#[derive(Debug, Clone, Copy, Default)]
struct Present {
    timestamp: u32,
    newest: u32,
    frame_at: usize,
    open: Open,
    counts: Counts,
}

/// What frames say of their order. Where it is believed, the reference looks at frames behind a hole in time, and it
/// has compared enough others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    pub is_believed: bool,
    pub has_compared: bool,
}

/// The frames of one stream.
#[derive(Debug, Clone)]
pub struct Frames {
    codec: Codec,
    /// `sps_max_sub_layers_minus1` of H.265; -1: not known.
    sublayers: i64,
    known_sets: Vec<Vec<u8>>,
    order: Order,
    now: Present,
    pub before: Option<Mark>,
    pub last: Option<Mark>,
}

impl Frames {
    /// The last frame had this time, and so had, or an earlier one, all before. `known_sets`: parameter sets that
    /// change nothing if they come.
    #[expect(
        clippy::too_many_arguments,
        reason = "all of the reference's state, from one place"
    )]
    pub fn new(
        codec: Codec,
        sublayers: i64,
        known_sets: Vec<Vec<u8>>,
        timestamp: u32,
        newest: u32,
        counts: Counts,
        before: Option<Mark>,
        last: Option<Mark>,
        order: Order,
    ) -> Self {
        let now = Present {
            timestamp,
            newest,
            counts,
            ..Present::default()
        };
        Frames {
            codec,
            sublayers,
            known_sets,
            order,
            now,
            before,
            last,
        }
    }

    pub fn codec(&self) -> Codec {
        self.codec
    }

    pub fn counts(&self) -> Counts {
        self.now.counts
    }

    pub fn open(&self) -> &Open {
        &self.now.open
    }

    pub fn timestamp(&self) -> u32 {
        self.now.timestamp
    }

    pub fn newest(&self) -> u32 {
        self.now.newest
    }

    /// Where the open frame, or the one that has just ended, begins in the bytes.
    pub fn frame_at(&self) -> usize {
        self.now.frame_at
    }

    /// So many bytes in front of it are gone.
    pub fn moved(&mut self, bytes: usize) {
        self.now.frame_at -= bytes;
    }

    /// Takes a payload, behind what is in `data` of frames before. Says whether the frame has ended with it; then
    /// `finish` is to be called.
    pub fn feed(
        &mut self,
        data: &mut Vec<u8>,
        payload: &[u8],
        timestamp: u32,
        marker: bool,
    ) -> Result<bool, Odd> {
        let (before, length) = (self.now, data.len());
        let taken = self.packet(data, payload, timestamp, marker);
        if taken.is_err() {
            self.now = before;
            data.truncate(length);
        }
        taken
    }

    /// The frame ended; it is whole.
    pub fn finish(&mut self) {
        let now = &mut self.now;
        now.counts.frames += 1;
        now.counts.finished += 1;
        now.counts.keyframes += i64::from(now.open.keyframe);
        now.counts.usual_slices = now.open.slices;
        now.open.active = false;
        self.before = self.last;
        self.last = Some(now.open.mark);
    }

    /// What a whole frame says of those before it, as `_judge` and `_finish` of the reference see it.
    fn compare(&mut self) -> Result<(), Odd> {
        let Present { open, counts, .. } = &mut self.now;
        if let Some(last) = self.last {
            let mut step = i64::from(open.mark.timestamp.wrapping_sub(last.timestamp));
            if step < 1 << 31 {
                let usual = counts.usual;
                if 4 * step > usual.saturating_mul(7) || !self.order.has_compared {
                    if self.order.is_believed && !open.keyframe {
                        return Err(Odd);
                    }
                    if usual != 0 {
                        step = step.min(usual.saturating_mul(2));
                    }
                }
                counts.usual = if usual != 0 {
                    usual + ((step - usual) >> 3)
                } else {
                    step
                };
            }
        }
        if open.slices == counts.steady_slices {
            counts.alike = MOST_ALIKE.min(counts.alike + 1).max(counts.alike);
        } else if counts.alike < ALIKE {
            (counts.steady_slices, counts.alike) = (open.slices, 0);
        } else {
            return Err(Odd);
        }
        Ok(())
    }

    fn packet(
        &mut self,
        data: &mut Vec<u8>,
        payload: &[u8],
        timestamp: u32,
        marker: bool,
    ) -> Result<bool, Odd> {
        let now = &mut self.now;
        if timestamp != now.timestamp {
            if now.open.active || timestamp.wrapping_sub(now.newest) & 0x8000_0000 != 0 {
                return Err(Odd);
            }
            now.timestamp = timestamp;
            now.newest = timestamp;
            now.frame_at = data.len();
            now.open = Open {
                active: true,
                recovery: -1,
                ..Open::default()
            };
        } else if !now.open.active {
            return Err(Odd);
        }
        if data.len() - now.frame_at + payload.len() > LARGEST_BYTES {
            return Err(Odd);
        }
        self.payload(data, payload)?;
        if !marker {
            return Ok(false);
        }
        let now = &mut self.now;
        if !now.open.has_slice || (now.open.fragment && !now.open.unit_ended) {
            return Err(Odd);
        }
        now.counts.ends += 1;
        self.close(data)?;
        self.compare()?;
        Ok(true)
    }

    fn payload(&mut self, data: &mut Vec<u8>, payload: &[u8]) -> Result<(), Odd> {
        let type_ = self.codec.type_of(*payload.first().ok_or(Odd)?);
        match self.codec.kind(type_) {
            Kind::Fragment => self.fragment(data, payload),
            Kind::Aggregate => {
                self.close(data)?;
                let mut rest = payload.get(self.codec.header_bytes()..).ok_or(Odd)?;
                while !rest.is_empty() {
                    let (size, behind) = rest.split_first_chunk::<2>().ok_or(Odd)?;
                    let size = usize::from(u16::from_be_bytes(*size));
                    self.unit(data, behind.get(..size).ok_or(Odd)?)?;
                    rest = &behind[size..];
                }
                Ok(())
            }
            Kind::Odd => Err(Odd),
            _ => {
                self.close(data)?;
                self.unit(data, payload)
            }
        }
    }

    /// The open unit, if there is one, ends here, as it has announced.
    fn close(&mut self, data: &mut [u8]) -> Result<(), Odd> {
        let open = &mut self.now.open;
        if open.fragment {
            if !open.unit_ended {
                return Err(Odd);
            }
            let at = self.now.frame_at + open.unit_at;
            let size = u32::try_from(data.len() - at - 4).map_err(|_| Odd)?;
            data.get_mut(at..at + 4)
                .ok_or(Odd)?
                .copy_from_slice(&size.to_be_bytes());
            open.fragment = false;
        }
        open.unit_ended = false;
        Ok(())
    }

    fn unit(&mut self, data: &mut Vec<u8>, unit: &[u8]) -> Result<(), Odd> {
        let header = self.codec.header_bytes();
        if unit.len() < header {
            return Err(Odd);
        }
        let type_ = self.codec.type_of(unit[0]);
        match self.codec.kind(type_) {
            Kind::Slice if unit.len() > header => self.slice(type_, &[unit])?,
            Kind::Plain => {}
            // What stands in front of a frame and comes behind its slices may be of the next one.
            _ if self.now.open.has_slice => return Err(Odd),
            Kind::Messages => {
                if self.now.open.recovery < 0 {
                    self.now.open.recovery = recovery_frames(self.codec, unit);
                }
            }
            Kind::ParameterSet if self.known_sets.iter().any(|known| known == unit) => {
                self.now.open.has_sets = true
            }
            Kind::Delimiter => {}
            _ => return Err(Odd),
        }
        let size = u32::try_from(unit.len()).map_err(|_| Odd)?;
        data.extend_from_slice(&size.to_be_bytes());
        data.extend_from_slice(unit);
        self.now.counts.units += 1;
        Ok(())
    }

    fn fragment(&mut self, data: &mut Vec<u8>, payload: &[u8]) -> Result<(), Odd> {
        let header = self.codec.header_bytes();
        let (Some(flags), Some(more)) = (payload.get(header), payload.get(header + 1..)) else {
            return Err(Odd);
        };
        if more.is_empty() {
            return Err(Odd);
        }
        if flags & 0x80 != 0 {
            self.close(data)?;
            let (type_, unit_header) = match self.codec {
                Codec::H264 => (flags & 0x1f, [payload[0] & 0xe0 | flags & 0x1f, 0]),
                Codec::H265 => (
                    flags & 0x3f,
                    [payload[0] & 0x81 | (flags & 0x3f) << 1, payload[1]],
                ),
            };
            if self.codec.kind(type_) != Kind::Slice
                || (more[0] == 0 && more.get(1).is_none_or(|byte| *byte == 0))
            {
                return Err(Odd);
            }
            let unit_header = &unit_header[..header];
            self.slice(type_, &[unit_header, more])?;
            let open = &mut self.now.open;
            open.fragment = true;
            open.unit_at = data.len() - self.now.frame_at;
            open.middle = match self.codec {
                Codec::H264 => [payload[0], type_, 0],
                Codec::H265 => [payload[0], payload[1], type_],
            };
            data.extend_from_slice(&[0; 4]);
            data.extend_from_slice(unit_header);
            self.now.counts.units += 1;
        } else if !self.now.open.fragment || self.now.open.unit_ended {
            return Err(Odd);
        }
        data.extend_from_slice(more);
        self.now.open.unit_ended = flags & 0x40 != 0;
        self.now.counts.ended_units += i64::from(self.now.open.unit_ended);
        Ok(())
    }

    /// A slice begins, with these bytes.
    fn slice(&mut self, type_: u8, parts: &[&[u8]]) -> Result<(), Odd> {
        let mut mark = Mark::default();
        mark.set_head(parts);
        let head = mark.bytes();
        if head[0] & 0x80 != 0 {
            return Err(Odd);
        }
        let (first, reference) = match self.codec {
            Codec::H264 => (*head.get(1).ok_or(Odd)?, head[0] & 0x60 != 0),
            Codec::H265 => {
                let layer_and_time = *head.get(1).ok_or(Odd)?;
                if head[0] & 1 != 0 || layer_and_time >> 3 != 0 || layer_and_time & 7 == 0 {
                    return Err(Odd);
                }
                let highest = i64::from(layer_and_time & 7) - 1 == self.sublayers;
                (
                    *head.get(2).ok_or(Odd)?,
                    type_ >= 16 || type_ & 1 == 1 || !highest,
                )
            }
        };
        let (is_first, timestamp) = (first & 0x80 != 0, self.now.timestamp);
        let open = &mut self.now.open;
        // The first slice begins the frame; another first one begins another frame.
        if is_first == open.has_slice {
            return Err(Odd);
        }
        open.slices += 1;
        if !open.has_slice {
            open.has_slice = true;
            mark.timestamp = timestamp;
            open.mark = mark;
        }
        // Where decoding may begin without a keyframe the reference judges.
        if open.recovery >= 0 && !self.codec.is_keyframe(type_) {
            return Err(Odd);
        }
        if self.codec.is_keyframe(type_) && !open.keyframe {
            open.keyframe = true;
            self.now.counts.keyframes_begun += 1;
        }
        open.mark.reference |= reference;
        if self.codec == Codec::H265 {
            if type_ >= 16 {
                open.open_group = type_ == 21;
            } else if type_ == 8 || type_ == 9 {
                open.leading = true;
            }
        }
        Ok(())
    }
}
