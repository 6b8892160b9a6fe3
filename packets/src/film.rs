//! From frames to fragments: the regular part of `Run.video` and `Fragmenter`, of a run without sound whose frames are
//! not reordered.
//!
//! The bytes of all frames of a fragment lie one behind the other in `data`, as in the file. Invariant: `data` is what
//! the frames have, and what of an open frame has come behind that.

use crate::{Odd, numbers};

const KEYFRAME: u32 = 0x0200_0000;
const OTHER: u32 = 0x0101_0000;
const TFHD_FLAGS: u32 = 0x02_0038;
const DATA_OFFSET: u32 = 0x1;
const FIRST_FLAGS: u32 = 0x4;
const DURATIONS: u32 = 0x100;
const SIZES: u32 = 0x200;

numbers! {
    /// What a frame changes; times in ticks of the run.
    Cut {
        // Run: the connection's time of its first frame; the last frame's time (as in Python, the run's); how long the
        // frames before lasted, and how long the newest will; the longest that is believed.
        origin,
        last,
        before,
        earlier,
        delta,
        longest_frame,
        // Fragmenter: how long fragments are; what is small; their number so far; what decode times count from; of how
        // many frames there is a spare.
        longest,
        small_bytes,
        sequence,
        base,
        spared,
        track,
        // How long the newest frame lasts if none follows.
        last_duration,
    }
}

/// A frame of the fragment that is being filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    pub time: i64,
    pub size: i64,
    pub read_us: i64,
    pub keyframe: bool,
}

/// The fragment that is being filled.
#[derive(Debug, Clone)]
pub struct Film {
    pub cut: Cut,
    pub samples: Vec<Sample>,
    pub data: Vec<u8>,
    bytes: i64,
}

/// A fragment that is whole: its head, up to the samples' bytes, which are so many of the first of `data`.
#[derive(Debug, Clone)]
pub struct Fragment {
    pub head: Vec<u8>,
    pub bytes: usize,
    pub sequence: i64,
    pub decode_time: i64,
    pub count: usize,
    pub end: i64,
    pub sync: bool,
    pub read_us: i64,
    /// Four numbers a sample, as `TrackFragment` has them.
    pub rows: Vec<i64>,
}

impl Film {
    /// There are samples, whose bytes `data` has; none if that is not so.
    pub fn new(cut: Cut, samples: Vec<Sample>, data: Vec<u8>) -> Option<Self> {
        let bytes = samples
            .iter()
            .try_fold(0i64, |sum, sample| sum.checked_add(sample.size))?;
        let rising = samples.windows(2).all(|pair| pair[0].time < pair[1].time);
        let fits = usize::try_from(bytes) == Ok(data.len())
            && samples.iter().all(|sample| sample.size >= 0);
        let known = cut.last == samples.last()?.time;
        let keys = samples[1..].iter().all(|sample| !sample.keyframe);
        (rising && fits && known && keys).then_some(Film {
            cut,
            samples,
            data,
            bytes,
        })
    }

    /// When the oldest frame was read of which there is no spare; none if there is one of all.
    pub fn unwritten_us(&self) -> Option<i64> {
        self.samples
            .get(usize::try_from(self.cut.spared).ok()?)
            .map(|sample| sample.read_us)
    }

    /// Bytes of frames.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(usize::MAX)
    }

    /// Adds a frame, which stands at `at` on the connection's line and whose bytes, so many, are behind those of the
    /// others; gives the fragment that it ended.
    pub fn add(
        &mut self,
        at: i64,
        size: usize,
        read_us: i64,
        keyframe: bool,
    ) -> Result<Option<Fragment>, Odd> {
        let mut cut = self.cut;
        let time = at.checked_sub(cut.origin).ok_or(Odd)?;
        let step = time
            .checked_sub(cut.last)
            .filter(|step| *step > 0 && *step <= i64::from(i32::MAX))
            .ok_or(Odd)?;
        let size = i64::try_from(size).map_err(|_| Odd)?;
        let (a, b) = (
            if cut.before != 0 { cut.before } else { step },
            if cut.earlier != 0 { cut.earlier } else { step },
        );
        cut.delta = a.min(b).max(a.max(b).min(step));
        (cut.before, cut.earlier) = (step, cut.before);
        cut.last = time;
        cut.last_duration = cut.delta.min(cut.longest_frame);
        let sample = Sample {
            time,
            size,
            read_us,
            keyframe,
        };
        let first = self.samples.first().ok_or(Odd)?;
        let longest = if self.bytes >= cut.small_bytes {
            Some(cut.longest)
        } else {
            cut.longest.checked_mul(2)
        };
        let fragment = if keyframe || time - first.time >= longest.ok_or(Odd)? {
            Some(self.fragment(&mut cut, time)?)
        } else {
            None
        };
        if fragment.is_some() {
            cut.spared = 0;
            self.samples.clear();
            self.bytes = 0;
        }
        self.cut = cut;
        self.samples.push(sample);
        self.bytes = self.bytes.checked_add(size).ok_or(Odd)?;
        Ok(fragment)
    }

    /// What is there, ending at `end`.
    fn fragment(&self, cut: &mut Cut, end: i64) -> Result<Fragment, Odd> {
        cut.sequence = cut.sequence.checked_add(1).ok_or(Odd)?;
        let (first, count) = (self.samples.first().ok_or(Odd)?, self.samples.len());
        let mut rows = Vec::with_capacity(4 * count);
        for (number, sample) in self.samples.iter().enumerate() {
            let next = self
                .samples
                .get(number + 1)
                .map_or(end, |sample| sample.time);
            rows.extend([
                sample.size,
                next - sample.time,
                0,
                i64::from(sample.keyframe),
            ]);
        }
        let narrow = |number: i64| u32::try_from(number).map_err(|_| Odd);
        let even = |column: usize| {
            rows.iter()
                .skip(column)
                .step_by(4)
                .all(|value| *value == rows[column])
        };
        let (durations, sizes) = (!even(1), !even(0));
        let words =
            usize::from(first.keyframe) + count * (usize::from(durations) + usize::from(sizes));
        let trun = 20 + 4 * u32::try_from(words).map_err(|_| Odd)?;
        let traf = 56 + trun;
        let moof = 24 + traf;
        let flags = DATA_OFFSET
            | if first.keyframe { FIRST_FLAGS } else { 0 }
            | if durations { DURATIONS } else { 0 }
            | if sizes { SIZES } else { 0 };
        let mut head = Boxes(Vec::with_capacity(moof as usize + 8));
        head.begin(moof, b"moof");
        head.begin(16, b"mfhd").words(&[0, narrow(cut.sequence)?]);
        head.begin(traf, b"traf");
        head.begin(28, b"tfhd").words(&[
            TFHD_FLAGS,
            narrow(cut.track)?,
            narrow(rows[1])?,
            narrow(rows[0])?,
            OTHER,
        ]);
        let decode_time = first
            .time
            .checked_sub(cut.base)
            .and_then(|time| u64::try_from(time).ok())
            .ok_or(Odd)?;
        head.begin(20, b"tfdt")
            .words(&[0x0100_0000])
            .0
            .extend(decode_time.to_be_bytes());
        head.begin(trun, b"trun")
            .words(&[flags, u32::try_from(count).map_err(|_| Odd)?, moof + 8]);
        if first.keyframe {
            head.words(&[KEYFRAME]);
        }
        for row in rows.chunks_exact(4) {
            if durations {
                head.words(&[narrow(row[1])?]);
            }
            if sizes {
                head.words(&[narrow(row[0])?]);
            }
        }
        head.begin(narrow(self.bytes)?.checked_add(8).ok_or(Odd)?, b"mdat");
        let read_us = self.unwritten_us().unwrap_or(0);
        Ok(Fragment {
            head: head.0,
            bytes: self.bytes(),
            sequence: cut.sequence,
            decode_time: first.time,
            count,
            end,
            sync: first.keyframe,
            read_us,
            rows,
        })
    }
}

struct Boxes(Vec<u8>);

impl Boxes {
    fn begin(&mut self, size: u32, kind: &[u8; 4]) -> &mut Self {
        self.words(&[size]).0.extend(kind);
        self
    }

    fn words(&mut self, words: &[u32]) -> &mut Self {
        for word in words {
            self.0.extend(word.to_be_bytes());
        }
        self
    }
}
