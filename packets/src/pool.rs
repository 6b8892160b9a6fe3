//! Reading the sockets of many connections in one call: of those that bring nothing but what is regular, and no whole
//! fragment, Python hears nothing.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use pyo3::prelude::*;

use crate::lane::Why;
use crate::python::{FragmentRow, Lane, PANIC};

/// Memory that reads go to: as much as the reference's.
const READ_BYTES: usize = 1 << 18;
/// A call is as of one moment, unless it takes so long.
const HELD_UP: Duration = Duration::from_millis(1);

/// A connection of which Python is to hear: its number, why, an error number, and the fragment, if one is whole.
type Told<'py> = (u64, usize, i32, Option<FragmentRow<'py>>);

/// Connections by the numbers that Python gave them, in the order in which they came.
#[pyclass(module = "nvr_packets")]
pub struct Pool {
    lanes: Vec<Option<(u64, Py<Lane>)>>,
    places: HashMap<u64, usize>,
    next: usize,
    /// Where those are that stopped at a fragment.
    stopped: Vec<usize>,
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
            stopped: Vec::new(),
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
        self.stopped.clear();
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
    /// Returns whether there are more, and those of which Python is to hear.
    fn read<'py>(
        &mut self,
        py: Python<'py>,
        count: usize,
        now_us: i64,
        monotonic_us: i64,
    ) -> PyResult<(bool, Vec<Told<'py>>)> {
        let end = self.next.saturating_add(count).min(self.lanes.len());
        let places: Vec<usize> = (self.next..end).collect();
        self.next = end;
        let told = self.each(py, &places, now_us, monotonic_us, Lane::read_into)?;
        Ok((end < self.lanes.len(), told))
    }

    /// Goes on with those that stopped at a fragment, which was fetched; as `read`.
    fn go_on<'py>(
        &mut self,
        py: Python<'py>,
        now_us: i64,
        monotonic_us: i64,
    ) -> PyResult<Vec<Told<'py>>> {
        let places = std::mem::take(&mut self.stopped);
        self.each(py, &places, now_us, monotonic_us, Lane::go_on_into)
    }
}

impl Pool {
    /// Has each of these do it.
    fn each<'py>(
        &mut self,
        py: Python<'py>,
        places: &[usize],
        now_us: i64,
        monotonic_us: i64,
        act: fn(&mut Lane, &mut [u8], i64, i64) -> (usize, i32),
    ) -> PyResult<Vec<Told<'py>>> {
        let began = Instant::now();
        let mut told = Vec::new();
        for place in places {
            let Some((number, lane)) = self.lanes.get(*place).and_then(Option::as_ref) else {
                continue;
            };
            let passed = began.elapsed();
            // Only if this was held up.
            let passed_us = if passed < HELD_UP {
                0
            } else {
                i64::try_from(passed.as_micros()).unwrap_or(0)
            };
            let mut lane = lane.try_borrow_mut(py)?;
            let memory = &mut self.read;
            let (now_us, monotonic_us) = (
                now_us.saturating_add(passed_us),
                monotonic_us.saturating_add(passed_us),
            );
            let (mut why, code) =
                guarded(|| act(&mut lane, memory, now_us, monotonic_us)).unwrap_or((PANIC, 0));
            let mut fragment = None;
            if why == Why::Fragment as usize {
                fragment = guarded(|| lane.fragment(py))
                    .and_then(|made| made.map_err(|error| error.write_unraisable(py, None)).ok());
                if fragment.is_some() {
                    self.stopped.push(*place);
                } else {
                    why = PANIC;
                }
            }
            if why != 0 {
                told.push((*number, why, code, fragment));
            }
        }
        Ok(told)
    }
}

/// What this comes to; none if it panics: a fault in one connection must not end the reading of the others. It is not
/// asked again.
fn guarded<T>(read: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(read)).ok()
}
