//! Where a frame stands in time: the regular part of `VideoReceiver`, `DecodingTimes`, `Timeline` and `RunClock` of a
//! camera that does not reorder frames, whose time stamps rise and keep pace with arrival.
//!
//! Times are microseconds (`_us`) or ticks. Invariant: `place` changes nothing.

use std::collections::VecDeque;

use crate::{Odd, numbers, scaled};

/// `DecodingTimes` remembers so many.
pub const REMEMBERED: usize = 17;
/// `Drift` keeps so many seconds.
pub const SECONDS: usize = 12;
const EARLY_US: i64 = 300_000;
const DOUBTFUL_US: i64 = 850_000;
const CAUGHT_UP_US: i64 = 500_000;
const CLOCK_STEP_US: i64 = 500_000;
const PAUSE_US: i64 = 2_000_000;
const SECOND_US: i64 = 1_000_000;
/// A second's least delay within these says nothing of the rate, nor of a lag.
const LEAST_US: std::ops::Range<i64> = -99_999..500_000;
const CLOCK_WINDOW_US: i64 = 10_000_000;
const SLEW_PPM: i64 = 500;
pub const NEVER: i64 = 1 << 62;

numbers! {
    /// What a frame changes.
    Times {
        // VideoReceiver: the unwrapped time stamp of the last frame; where media time has its zero; the last frame's
        // media time and the distance to the one before it, in ticks; when it was read.
        unwrapped,
        zero,
        latest,
        usual_step,
        latest_at_us,
        // DecodingTimes: the longest step on that is believed; whether the depth is not known.
        jump_on,
        learns,
        // Timeline
        num,
        den,
        offset,
        number,
        raw_before,
        raw,
        last,
        last_us,
        last_late_us,
        usual,
        step_us,
        usual_us,
        media_us,
        again,
        catching_up,
        believed_us,
        unmoving,
        least_us,
        least_at_us,
        second_end_us,
        pulled_us,
        slack_us,
        // RunClock; `NEVER`: none
        base_media_us,
        base_wall_us,
        ppm,
        clock_least_us,
        window_end_us,
        clock_late_us,
        // ClockWatch: what the clocks were apart at first, and by how much that has changed.
        clocks_apart_us,
        change_us,
        // Pipeline: the last keyframe's media time (`NEVER`: none), its distance to the one before, the greatest of the
        // connection; frames; when the last one came, and how many came (`Waiting`).
        keyframe_us,
        keyframe_interval_us,
        longest_keyframe_us,
        received,
        since_us,
        waited_frames,
    }
}

/// One connection's.
#[derive(Debug, Clone)]
pub struct Line {
    pub times: Times,
    /// The last frames' media times.
    pub remembered: VecDeque<i64>,
    /// When a second's least delayed frame came, and how late.
    pub seconds: VecDeque<(i64, i64)>,
}

/// Where a frame stands.
#[derive(Debug, Clone, Copy)]
pub struct Placed {
    times: Times,
    media: i64,
    second: Option<(i64, i64)>,
}

impl Placed {
    /// Its decoding and presentation time, in ticks of the connection.
    pub fn at(&self) -> i64 {
        self.times.last
    }
}

impl Times {
    fn wall_us(&self, media_us: i64) -> Result<i64, Odd> {
        let passed_us = media_us.checked_sub(self.base_media_us).ok_or(Odd)?;
        let slewed_us = scaled(passed_us, self.ppm, 1_000_000)?;
        self.base_wall_us
            .checked_add(passed_us)
            .and_then(|us| us.checked_add(slewed_us))
            .ok_or(Odd)
    }

    fn ticks_us(&self, ticks: i64) -> Result<i64, Odd> {
        scaled(ticks, self.num, self.den)
    }

    /// The clock hears how late a frame came.
    fn note(&mut self, media_us: i64, late_us: i64) -> Result<(), Odd> {
        self.clock_least_us = self.clock_least_us.min(late_us);
        if self.window_end_us == NEVER {
            self.window_end_us = media_us.checked_add(CLOCK_WINDOW_US).ok_or(Odd)?;
        } else if media_us >= self.window_end_us {
            let wall_us = self.wall_us(media_us)?;
            let least_us = self.clock_least_us;
            self.clock_late_us = least_us.max(0);
            self.ppm = scaled(least_us, 1_000_000, CLOCK_WINDOW_US)?.clamp(-SLEW_PPM, SLEW_PPM);
            (self.base_media_us, self.base_wall_us) = (media_us, wall_us);
            self.clock_least_us = NEVER;
            self.window_end_us = media_us.checked_add(CLOCK_WINDOW_US).ok_or(Odd)?;
        }
        Ok(())
    }
}

impl Line {
    /// Where a frame of this time stamp stands that was read now.
    pub fn place(
        &self,
        timestamp: u32,
        keyframe: bool,
        now_us: i64,
        monotonic_us: i64,
    ) -> Result<Placed, Odd> {
        let mut to = self.times;
        // The receiver.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the last 32 bits are meant"
        )]
        let passed = timestamp.wrapping_sub(to.unwrapped as u32);
        if passed == 0 || passed >= 0x8000_0000 {
            return Err(Odd);
        }
        to.unwrapped = to.unwrapped.checked_add(i64::from(passed)).ok_or(Odd)?;
        let media = to.unwrapped.checked_sub(to.zero).ok_or(Odd)?;
        to.usual_step = media
            .checked_sub(to.latest)
            .filter(|step| *step > 0)
            .ok_or(Odd)?;
        if to.usual_step > to.jump_on {
            return Err(Odd);
        }
        to.latest = media;
        to.latest_at_us = monotonic_us;
        // The pipeline.
        to.change_us = now_us
            .checked_sub(monotonic_us)
            .and_then(|apart_us| apart_us.checked_sub(to.clocks_apart_us))
            .filter(|us| us.unsigned_abs() <= CLOCK_STEP_US.unsigned_abs())
            .ok_or(Odd)?;
        to.slack_us = to.change_us.abs();
        to.received += 1;
        to.since_us = monotonic_us;
        to.waited_frames += 1;
        // The timeline.
        to.number += 1;
        (to.raw_before, to.raw) = (to.raw, media);
        let at = media.checked_add(to.offset).ok_or(Odd)?;
        let step = at
            .checked_sub(to.last)
            .filter(|step| *step > 0)
            .ok_or(Odd)?;
        to.media_us = to.ticks_us(at)?;
        let late_us = now_us.checked_sub(to.wall_us(to.media_us)?).ok_or(Odd)?;
        if late_us < -EARLY_US - to.slack_us || late_us >= DOUBTFUL_US {
            return Err(Odd);
        }
        to.unmoving = 0;
        if late_us < CAUGHT_UP_US {
            (to.catching_up, to.believed_us) = (0, 0);
        }
        let second = to.accept(at, step, late_us, now_us)?;
        if keyframe {
            if to.keyframe_us != NEVER {
                to.keyframe_interval_us = to.media_us.checked_sub(to.keyframe_us).ok_or(Odd)?;
                to.longest_keyframe_us = to.longest_keyframe_us.max(to.keyframe_interval_us);
            }
            to.keyframe_us = to.media_us;
        }
        Ok(Placed {
            times: to,
            media,
            second,
        })
    }

    /// The frame is there.
    pub fn commit(&mut self, placed: &Placed) {
        self.times = placed.times;
        if self.times.learns != 0 {
            self.remembered.push_back(placed.media);
            if self.remembered.len() > REMEMBERED {
                self.remembered.pop_front();
            }
        }
        if let Some(second) = placed.second {
            if self.seconds.len() >= SECONDS {
                self.seconds.pop_front();
            }
            self.seconds.push_back(second);
        }
    }
}

impl Times {
    /// `Timeline._accept`; the second that ended with it.
    fn accept(
        &mut self,
        at: i64,
        step: i64,
        late_us: i64,
        now_us: i64,
    ) -> Result<Option<(i64, i64)>, Odd> {
        let usual = self.usual;
        self.usual = match usual {
            0 if step > 1 => step,
            0 => 0,
            _ => {
                let most = usual
                    .checked_mul(64)
                    .and_then(|ticks| ticks.checked_add(64))
                    .ok_or(Odd)?;
                usual
                    .checked_mul(7)
                    .and_then(|ticks| ticks.checked_add(step.min(most)))
                    .ok_or(Odd)?
                    .div_euclid(8)
            }
        };
        (self.step_us, self.usual_us) = (self.ticks_us(step)?, self.ticks_us(usual)?);
        // What may be a pause, the reference judges.
        if self.step_us > PAUSE_US {
            return Err(Odd);
        }
        (self.last, self.last_us, self.last_late_us) = (at, now_us, late_us);
        self.again -= i64::from(self.again > 0);
        self.note(self.media_us, late_us)?;
        if late_us < self.least_us {
            (self.least_us, self.least_at_us) = (late_us, now_us);
        }
        if now_us < self.second_end_us {
            return Ok(None);
        }
        let least_us = self.least_us.checked_sub(self.pulled_us).ok_or(Odd)?;
        if !LEAST_US.contains(&least_us) {
            return Err(Odd);
        }
        self.least_us = NEVER;
        let second_us = self
            .ticks_us(self.usual.checked_mul(4).ok_or(Odd)?)?
            .max(SECOND_US);
        self.second_end_us = now_us.checked_add(second_us).ok_or(Odd)?;
        Ok(Some((self.least_at_us, least_us)))
    }
}
