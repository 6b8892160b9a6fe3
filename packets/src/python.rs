//! What Python sees of it: `nvr/recorder/lane` alone uses this.

use std::cell::RefCell;
use std::collections::VecDeque;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList};

use crate::film::{Cut, Film, Sample};
use crate::frames::{Counts, Frames, Mark, Order};
use crate::lane::{Lane as Way, Packets, Why};
use crate::line::{Line, NEVER, Times};
use crate::socket::{Came, Socket};
use crate::units::Codec;

thread_local! {
    /// What was read, copied: another thread may write where it lies.
    static READ: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Head, timestamp, whether others refer to it.
type MarkRow = (Vec<u8>, u32, bool);
/// Time, bytes, when it was read, whether it is a keyframe.
type SampleRow = (i64, i64, i64, bool);
/// The fragment's bytes; its number, decode time, where its data begins, how many samples, and of how many bytes; the
/// rows of the samples; where it ends, whether it begins with a keyframe, when its first frame was read.
pub type FragmentRow<'py> = (
    Bound<'py, PyBytes>,
    (i64, i64, usize, usize, usize),
    Bound<'py, PyBytes>,
    (i64, bool, i64),
    (i64, i64, i64),
);
/// Whether something of it came; whether it has a slice, is a keyframe, has parameter sets, is of an open group, leads;
/// how many slices, and the recovery point; the open unit's state; and its bytes.
type OpenRow<'py> = (
    bool,
    (bool, bool, bool, bool, bool),
    (i64, i64),
    (bool, Vec<u8>),
    MarkRow,
    Bound<'py, PyBytes>,
    Option<UnitRow<'py>>,
);
type UnitRow<'py> = (Bound<'py, PyBytes>, Bound<'py, PyBytes>);

/// A connection's regular way. What it is made of is the state of the reference between two frames; see
/// `nvr.recorder.lane.crossing`.
#[pyclass(module = "nvr_packets")]
pub struct Lane {
    way: Way,
    buffer: PyBuffer<u8>,
    socket: Option<Socket>,
    /// What was read from the socket and not taken.
    rest: Vec<u8>,
    /// Whether the last read from the socket left no room: there may be more.
    #[pyo3(get)]
    is_full: bool,
    /// From when on Python is to hear of a read that ended with a frame, by the monotonic clock.
    #[pyo3(get, set)]
    asked_due_us: i64,
}

/// Besides those of `Why`: the other side has hung up; the connection broke; a fault here.
const ENDED: usize = 6;
const BROKEN: usize = 7;
pub const PANIC: usize = 8;
/// Reads of one connection at once: what is left then waits.
const MOST_READS: usize = 32;

fn wrong(what: &str) -> PyErr {
    PyValueError::new_err(format!("the lane can't begin with these {what}"))
}

fn mark_of((head, timestamp, reference): MarkRow) -> Mark {
    Mark::of(&head, timestamp, reference)
}

fn row_of(mark: &Mark) -> MarkRow {
    (mark.bytes().to_vec(), mark.timestamp, mark.reference)
}

#[pymethods]
impl Lane {
    #[new]
    #[expect(
        clippy::too_many_arguments,
        reason = "all that it needs, from one place"
    )]
    fn new(
        buffer: PyBuffer<u8>,
        is_h264: bool,
        sublayers: i64,
        packets: Vec<i64>,
        counts: Vec<i64>,
        times: Vec<i64>,
        cut: Vec<i64>,
        at: (u32, u32),
        marks: (Option<MarkRow>, Option<MarkRow>),
        order: (bool, bool),
        known_sets: Vec<Vec<u8>>,
        sets: Vec<Vec<u8>>,
        remembered: Vec<i64>,
        seconds: Vec<(i64, i64)>,
        samples: Vec<SampleRow>,
        data: &[u8],
    ) -> PyResult<Self> {
        let codec = if is_h264 { Codec::H264 } else { Codec::H265 };
        let packets = Packets::from_row(&packets).ok_or_else(|| wrong("packets"))?;
        let counts = Counts::from_row(&counts).ok_or_else(|| wrong("counts"))?;
        let times = Times::from_row(&times)
            .filter(|times| times.num > 0 && times.den > 0)
            .ok_or_else(|| wrong("times"))?;
        let cut = Cut::from_row(&cut).ok_or_else(|| wrong("cuts"))?;
        let (before, last) = (marks.0.map(mark_of), marks.1.map(mark_of));
        let frames = Frames::new(
            codec,
            sublayers,
            known_sets,
            at.0,
            at.1,
            counts,
            before,
            last,
            Order {
                is_believed: order.0,
                has_compared: order.1,
            },
        );
        let line = Line {
            times,
            remembered: VecDeque::from(remembered),
            seconds: VecDeque::from(seconds),
        };
        let samples = samples
            .into_iter()
            .map(|(time, size, read_us, keyframe)| Sample {
                time,
                size,
                read_us,
                keyframe,
            });
        let film =
            Film::new(cut, samples.collect(), data.to_vec()).ok_or_else(|| wrong("samples"))?;
        Ok(Lane {
            way: Way::new(packets, frames, line, film, sets),
            buffer,
            socket: None,
            rest: Vec::new(),
            is_full: false,
            asked_due_us: 0,
        })
    }

    /// From now on `read` and pools may read this socket; `rest` was read before.
    fn listen(&mut self, socket: i32) -> PyResult<()> {
        self.socket = Some(Socket::of(socket)?);
        Ok(())
    }

    /// The socket is let go.
    fn ignore(&mut self) {
        self.socket = None;
    }

    /// What was read from the socket and not taken; the lane has it no more.
    fn take_rest<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &std::mem::take(&mut self.rest))
    }

    /// Whether something was read and not taken.
    #[getter]
    fn has_rest(&self) -> bool {
        !self.rest.is_empty()
    }

    /// This comes before what the socket is going to bring.
    fn put_rest(&mut self, rest: &[u8]) {
        self.rest = rest.to_vec();
    }

    /// Goes on with what it has read and not taken, as `read`, of which there may be more then.
    fn go_on(&mut self, now_us: i64, monotonic_us: i64) -> (usize, i32) {
        let rest = std::mem::take(&mut self.rest);
        match self.take_from(&rest, now_us, monotonic_us) {
            0 if self.is_full => self.read(now_us, monotonic_us),
            why => (why, 0),
        }
    }

    /// Reads the socket, at these times by the server's clocks. Returns why Python is to hear of it, 0 if it is not,
    /// and an error number.
    fn read(&mut self, now_us: i64, monotonic_us: i64) -> (usize, i32) {
        READ.with_borrow_mut(|read| {
            read.resize(1 << 18, 0);
            self.read_into(read, now_us, monotonic_us)
        })
    }

    /// Takes what was read, from `begin` to `end` of the buffer, at these times by the server's clocks.
    /// Returns where it stopped, times eight, and why.
    fn take(
        &mut self,
        py: Python<'_>,
        begin: usize,
        end: usize,
        now_us: i64,
        monotonic_us: i64,
    ) -> PyResult<usize> {
        let cells = self
            .buffer
            .as_slice(py)
            .and_then(|cells| cells.get(begin..end))
            .ok_or_else(|| wrong("bounds"))?;
        READ.with_borrow_mut(|read| {
            read.clear();
            read.extend(cells.iter().map(pyo3::buffer::ReadOnlyCell::get));
            let (at, why) = self.way.take(read, now_us, monotonic_us);
            Ok((begin + at) << 3 | why as usize)
        })
    }

    /// The fragment that is whole.
    pub fn fragment<'py>(&mut self, py: Python<'py>) -> PyResult<FragmentRow<'py>> {
        let (fragment, data) = self.way.fragment().ok_or_else(|| wrong("fragments"))?;
        let bytes = PyBytes::new_with(py, fragment.head.len() + data.len(), |to| {
            let (head, rest) = to.split_at_mut(fragment.head.len());
            head.copy_from_slice(&fragment.head);
            rest.copy_from_slice(data);
            Ok(())
        })?;
        let rows = PyBytes::new_with(py, 8 * fragment.rows.len(), |to| {
            for (place, number) in to.chunks_exact_mut(8).zip(&fragment.rows) {
                place.copy_from_slice(&number.to_ne_bytes());
            }
            Ok(())
        })?;
        let place = (
            fragment.sequence,
            fragment.decode_time,
            fragment.head.len(),
            fragment.count,
            fragment.bytes,
        );
        let end = (fragment.end, fragment.sync, fragment.read_us);
        let times = &self.way.line.times;
        let clock = (times.base_media_us, times.base_wall_us, times.ppm);
        self.way.fetched();
        Ok((bytes, place, rows, end, clock))
    }

    /// The frame that is not regular: its bytes, its time stamp, whether it is a keyframe. The lane has it no more.
    fn odd_frame<'py>(&mut self, py: Python<'py>) -> PyResult<(Bound<'py, PyBytes>, u32, bool)> {
        let (bytes, timestamp, keyframe) = self.way.odd_frame().ok_or_else(|| wrong("frames"))?;
        Ok((PyBytes::new(py, &bytes), timestamp, keyframe))
    }

    /// From now on decode times in fragments count from this, in ticks of the run.
    fn begin_file(&mut self, base: i64) {
        self.way.film.cut.base = base;
    }

    #[getter]
    fn packets(&self) -> Vec<i64> {
        self.way.packets.row()
    }

    #[getter]
    fn counts(&self) -> Vec<i64> {
        self.way.frames.counts().row()
    }

    #[getter]
    fn times(&self) -> Vec<i64> {
        self.way.line.times.row()
    }

    #[getter]
    fn cut(&self) -> Vec<i64> {
        self.way.film.cut.row()
    }

    /// The time stamp of the newest packet, and the newest one.
    #[getter]
    fn at(&self) -> (u32, u32) {
        (self.way.frames.timestamp(), self.way.frames.newest())
    }

    #[getter]
    fn marks(&self) -> (Option<MarkRow>, Option<MarkRow>) {
        (
            self.way.frames.before.as_ref().map(row_of),
            self.way.frames.last.as_ref().map(row_of),
        )
    }

    #[getter]
    fn remembered(&self) -> Vec<i64> {
        self.way.line.remembered.iter().copied().collect()
    }

    #[getter]
    fn seconds(&self) -> Vec<(i64, i64)> {
        self.way.line.seconds.iter().copied().collect()
    }

    #[getter]
    fn samples(&self) -> Vec<SampleRow> {
        self.way
            .film
            .samples
            .iter()
            .map(|of| (of.time, of.size, of.read_us, of.keyframe))
            .collect()
    }

    /// The samples' bytes, each one's.
    #[getter]
    fn data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let mut rest = &self.way.film.data[..];
        let mut found = Vec::with_capacity(self.way.film.samples.len());
        for sample in &self.way.film.samples {
            let size = usize::try_from(sample.size).map_err(|_| wrong("samples"))?;
            let (bytes, behind) = rest
                .split_at_checked(size)
                .ok_or_else(|| wrong("samples"))?;
            found.push(PyBytes::new(py, bytes));
            rest = behind;
        }
        PyList::new(py, found)
    }

    /// The open frame.
    #[getter]
    fn open<'py>(&self, py: Python<'py>) -> OpenRow<'py> {
        let open = self.way.frames.open();
        let (bytes, unit) = self.way.open_parts();
        let middle = &open.middle[..self.way.frames.codec().header_bytes() + 1];
        (
            open.active,
            (
                open.has_slice,
                open.keyframe,
                open.has_sets,
                open.open_group,
                open.leading,
            ),
            (open.slices, open.recovery),
            (open.unit_ended, middle.to_vec()),
            row_of(&open.mark),
            PyBytes::new(py, bytes),
            unit.map(|(header, more)| (PyBytes::new(py, header), PyBytes::new(py, more))),
        )
    }

    /// When the last read ended that left a frame open which is open still; as in `VideoReceiver`.
    #[getter]
    fn open_us(&self) -> Option<i64> {
        self.way
            .frames
            .open()
            .has_slice_open()
            .then_some(self.way.packets.read_us)
    }

    /// When the oldest frame was read that no fragment has yet; as in `Fragmenter`.
    #[getter]
    fn unwritten_us(&self) -> Option<i64> {
        self.way.film.unwritten_us()
    }

    /// When the newest frame was read.
    #[getter]
    fn newest_us(&self) -> i64 {
        self.way
            .film
            .samples
            .last()
            .map_or(0, |sample| sample.read_us)
    }

    /// Packets that came so far.
    #[getter]
    fn came(&self) -> i64 {
        self.way.packets.packets
    }

    /// The decoding time of the frame that ended the last read.
    #[getter]
    fn whole_time(&self) -> i64 {
        self.way.packets.whole_time
    }

    /// Frames that were taken.
    #[getter]
    fn frames(&self) -> i64 {
        self.way.frames.counts().frames
    }
}

impl Lane {
    /// When the oldest frame was read that no disk has, and when the newest was; none if there is none.
    pub fn waiting(&self) -> Option<(i64, i64)> {
        let (open_us, unwritten_us) = (self.open_us(), self.unwritten_us());
        let oldest_us = open_us.into_iter().chain(unwritten_us).min()?;
        let newest_us = unwritten_us.map_or(i64::MAX, |_| self.newest_us());
        Some((oldest_us, newest_us.min(open_us.unwrap_or(i64::MAX))))
    }

    /// As `read`, into this memory.
    pub fn read_into(&mut self, read: &mut [u8], now_us: i64, monotonic_us: i64) -> (usize, i32) {
        for _ in 0..MOST_READS {
            let kept = self.rest.len();
            let Some((before, room)) = read
                .split_at_mut_checked(kept)
                .filter(|(_, room)| !room.is_empty())
            else {
                return (Why::Packet as usize, 0);
            };
            before.copy_from_slice(&self.rest);
            let Some(socket) = &self.socket else {
                return (ENDED, 0);
            };
            let count = match socket.read(room) {
                Came::Bytes(count) => count,
                Came::Nothing => return (0, 0),
                Came::End => return (ENDED, 0),
                Came::Broken(code) => return (BROKEN, code),
            };
            let end = kept + count;
            self.is_full = end == read.len();
            let why = self.take_from(&read[..end], now_us, monotonic_us);
            if why != 0 || !self.is_full {
                return (why, 0);
            }
        }
        (0, 0)
    }

    /// As `go_on`, with this memory for what is read.
    pub fn go_on_into(&mut self, read: &mut [u8], now_us: i64, monotonic_us: i64) -> (usize, i32) {
        let rest = std::mem::take(&mut self.rest);
        match self.take_from(&rest, now_us, monotonic_us) {
            0 if self.is_full => self.read_into(read, now_us, monotonic_us),
            why => (why, 0),
        }
    }

    /// Takes what was read; why Python is to hear of it, 0 if it is not.
    fn take_from(&mut self, read: &[u8], now_us: i64, monotonic_us: i64) -> usize {
        let (at, why) = self.way.take(read, now_us, monotonic_us);
        self.rest = read[at..].to_vec();
        match why {
            Why::Taken => 0,
            Why::TakenWhole if monotonic_us < self.asked_due_us => 0,
            _ => why as usize,
        }
    }
}

/// The regular way from packets to fragments.
#[pymodule]
mod nvr_packets {
    #[pymodule_export]
    use super::Lane;
    #[pymodule_export]
    use crate::pool::Pool;

    #[pymodule_init]
    fn init(module: &super::Bound<'_, super::PyModule>) -> super::PyResult<()> {
        use super::PyModuleMethods as _;
        module.add("NEVER", super::NEVER)?;
        module.add("TAKEN", super::Why::Taken as usize)?;
        module.add("TAKEN_WHOLE", super::Why::TakenWhole as usize)?;
        module.add("FRAGMENT", super::Why::Fragment as usize)?;
        module.add("FRAME", super::Why::Frame as usize)?;
        module.add("OTHER", super::Why::Other as usize)?;
        module.add("PACKET", super::Why::Packet as usize)?;
        module.add("ENDED", super::ENDED)?;
        module.add("BROKEN", super::BROKEN)?;
        module.add("PANIC", super::PANIC)
    }
}
