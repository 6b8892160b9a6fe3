//! Reading the sockets of many connections in one call: of those that bring nothing but what is regular, and no whole
//! fragment, Python hears nothing.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::python::{Lane, PANIC};

/// Memory that reads go to: as much as the reference's.
const READ_BYTES: usize = 1 << 18;
/// A call is as of one moment, unless it takes so long.
const HELD_UP: Duration = Duration::from_millis(1);

/// Connections by the numbers that Python gave them, in the order in which they came.
#[pyclass(module = "nvr_packets")]
pub struct Pool {
    lanes: Vec<Option<(u64, Py<Lane>)>>,
    places: HashMap<u64, usize>,
    next: usize,
    read: Vec<u8>,
}

#[pymethods]
impl Pool {
    #[new]
    fn new() -> Self {
        Pool {
            lanes: Vec::new(),
            places: HashMap::new(),
            next: 0,
            read: vec![0; READ_BYTES],
        }
    }

    /// From now on this connection is read as well.
    fn add(&mut self, number: u64, lane: Py<Lane>) {
        self.remove(number);
        self.places.insert(number, self.lanes.len());
        self.lanes.push(Some((number, lane)));
    }

    /// From now on it is not.
    fn remove(&mut self, number: u64) {
        let place = self.places.remove(&number);
        if let Some(lane) = place.and_then(|place| self.lanes.get_mut(place)) {
            *lane = None;
        }
    }

    /// A round begins.
    fn begin(&mut self) {
        self.lanes.retain(Option::is_some);
        self.places.clear();
        for (place, lane) in self.lanes.iter().enumerate() {
            if let Some((number, _)) = lane {
                self.places.insert(*number, place);
            }
        }
        self.next = 0;
    }

    /// Of those of which something was read since `before_us`: when the oldest frame was read that no disk has. And the
    /// others that have such a frame.
    fn waiting(&self, py: Python<'_>, before_us: i64) -> PyResult<(Option<i64>, Vec<u64>)> {
        let (mut oldest_us, mut quiet) = (None, Vec::new());
        for (number, lane) in self.lanes.iter().flatten() {
            match lane.try_borrow(py)?.waiting() {
                Some((_, newest_us)) if newest_us <= before_us => quiet.push(*number),
                Some((since_us, _)) => {
                    oldest_us = Some(oldest_us.map_or(since_us, |other: i64| other.min(since_us)));
                }
                None => {}
            }
        }
        Ok((oldest_us, quiet))
    }

    /// Reads up to so many connections that this round has not read yet; the time by the server's clocks is now this.
    /// Returns whether there are more, and of those of which Python is to hear their numbers, why, and an error number.
    fn read(
        &mut self,
        py: Python<'_>,
        count: usize,
        now_us: i64,
        monotonic_us: i64,
    ) -> PyResult<(bool, Vec<(u64, usize, i32)>)> {
        let began = Instant::now();
        let mut told = Vec::new();
        let end = self.next.saturating_add(count).min(self.lanes.len());
        for (number, lane) in self.lanes[self.next..end].iter().flatten() {
            let passed = began.elapsed();
            // Only if this was held up.
            let passed_us = if passed < HELD_UP {
                0
            } else {
                i64::try_from(passed.as_micros()).unwrap_or(0)
            };
            let mut lane = lane.try_borrow_mut(py)?;
            let read = AssertUnwindSafe(|| {
                lane.read_into(
                    &mut self.read,
                    now_us.saturating_add(passed_us),
                    monotonic_us.saturating_add(passed_us),
                )
            });
            // A fault in one must not end the reading of the others; it is not asked again.
            let (why, code) = catch_unwind(read).unwrap_or((PANIC, 0));
            if why != 0 {
                told.push((*number, why, code));
            }
        }
        self.next = end;
        Ok((end < self.lanes.len(), told))
    }
}
