"""Where does a frame stand in time? The camera's time stamps, compared with arrival all the time. Pure.

Invariants: frames keep their order of decoding, each a tick after the one before at least; none is left out; none is
placed more than 0.3 s after its arrival (and the server's own clock); what is only late keeps its time.

Three detectors (docs/design/recording.md has their worst offsets). A frame stamped after its arrival is wrong at once,
and a step back is; such a frame is placed behind its predecessor, and three in a row that agree are a new timeline. A
silence that time stamps do not show is a delay that is caught up, or a clock that stood still: frames are held for a
second, which tells. A second's least delayed frame that is ever later is a wrong rate: frames then go by arrival.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from nvr.recorder.clocks.beginning import Beginning
from nvr.recorder.clocks.clock import RunClock
from nvr.recorder.clocks.creep import DOUBTFUL_US, Creep
from nvr.recorder.clocks.drift import Drift, DriftWindows, Reports
from nvr.recorder.clocks.hold import CAUGHT_UP_US, DelayedFrames
from nvr.recorder.media.packets import Frame

__all__ = ["Timeline"]

_EARLY_US: Final = 300_000
# Frames that came ever earlier are placed so much before that limit.
_PULL_US: Final = 150_000
_STEP_US: Final = 500_000
_CONFIRMED_BY: Final = 3
# So many odd ones in a row of which no three agree: these time stamps say nothing.
_RANDOM: Final = 8
# Lateness that came about at once, in a silence of at least as long.
_SUSPICIOUS_US: Final = 1_000_000
_SILENCE_US: Final = 750_000
# Frames that go by arrival are never later than this.
_LATEST_US: Final = 800_000
_SECOND_US: Final = 1_000_000
# No two frames are so far apart in a connection's first seconds.
_FAR_US: Final = 30_000_000
_NEVER: Final = 1 << 62


class Timeline:
    """The timeline of one connection. ``place`` each frame; then ``dts``, ``pts`` (ticks) and ``media_us`` say where it
    stands, and ``step`` how far behind its predecessor. Until ``ready`` the frames are kept by the caller, whose
    ``anchor`` fixes the clock. ``manner``: by what frames are placed: ``camera``, ``scaled`` (its time stamps at
    another rate) or ``counted`` (arrival alone)."""

    def __init__(self, time_base: Fraction, clock: RunClock) -> None:
        tick_us = time_base * 1_000_000
        self._num, self._den = tick_us.numerator, tick_us.denominator
        self.clock = clock
        self.dts = self.pts = self.media_us = self.usual = 0
        self.step_us = self.usual_us = 0
        self._turn_text = ""
        self.manner = "camera"
        self.slack_us = 0
        self.steps = self.outliers = self.moved = self.by_arrival = 0
        self._offset = 0
        self._scaled = False
        self._counted = False
        self._windows: DriftWindows | None = None
        self._scale = 1.0
        self._base_raw = self._base_at = 0
        self._camera_offset = 0
        self._number = self._raw = self._raw_before = 0
        self._mark_us = self._mark_number = 0
        self._has_last = False
        self._last = self._last_us = self._last_late_us = 0
        self._composition = 0
        self._drift = Drift()
        self._reports = Reports()
        self._least_us, self._least_at_us, self._second_end_us = _NEVER, 0, 0
        self._pulled_us = 0
        # By how much frames that go by arrival were moved on since their rate was last corrected.
        self._pushed_us = 0
        self._has_candidate = False
        self._candidate = self._confirmed = self._odd = 0
        self._held: DelayedFrames | None = None
        self._creep: Creep | None = None
        # Lateness that was found to be the network's: only what is later still is doubtful.
        self._believed_us = 0
        self._last_raw = 0
        self._seen_late_us = 0
        self._again = 0
        self._catching_up = False
        self._unmoving = 0
        self._beginning = Beginning()

    # Placing ---------------------------------------------------------------------------------------------------------

    def place(self, dts: int, pts: int, now_us: int) -> bool:
        """Places the frame with these time stamps, in ticks, that arrived now. False while ``holding``: it is to be
        kept, and to be placed again once that is over."""
        self._number += 1
        self._raw_before, self._raw = self._raw, dts
        composition = pts - dts
        at = self._map(dts) if self._scaled else dts + self._offset
        if self._scaled and composition:
            composition = 0 if self._counted else round(composition * self._scale)
        if not self._has_last:
            return self._first(at, composition, now_us)
        if composition < 0 or composition > self._most_composition():
            # What it was before: the camera's clock jumped between two frames that are shown in another order.
            composition = self._composition
        step = at - self._last
        late_us = now_us - self.clock.wall_us((at + composition) * self._num // self._den)
        if (
            self.clock.anchored
            and step > 0
            and -_EARLY_US - self.slack_us <= late_us < DOUBTFUL_US
            and not self._has_candidate
            and self._held is None
            and self._creep is None
        ):
            self._unmoving = 0
            if late_us < CAUGHT_UP_US:
                self._catching_up = False
                self._believed_us = 0
            elif self._scaled and late_us > _LATEST_US and not self._catching_up:
                return self._slow(at, composition, step, late_us, now_us)
            self._accept(at, composition, late_us, now_us)
            return True
        return self._slow(at, composition, step, late_us, now_us)

    def _map(self, dts: int) -> int:
        raw = self._number if self._counted else dts
        return self._base_at + round((raw - self._base_raw) * self._scale)

    def _first(self, at: int, composition: int, now_us: int) -> bool:
        self._has_last = True
        self._last = at - 1
        composition = max(0, composition)
        self._accept(at, composition, 0, now_us)
        self.step_us = 0
        return True

    def _most_composition(self) -> int:
        return self._ticks(_SECOND_US) + 4 * self.usual

    def _ticks(self, us: int) -> int:
        return us * self._den // self._num

    def _accept(self, at: int, composition: int, late_us: int, now_us: int) -> None:
        step = at - self._last
        usual = self.usual
        if usual:
            # A moving average, which one pause does not upset.
            self.usual = (7 * usual + min(step, 64 * usual + 64)) // 8
        else:
            self.usual = step if step > 1 else 0
        self.step_us, self.usual_us = step * self._num // self._den, usual * self._num // self._den
        self._last, self._last_us, self._last_late_us = at, now_us, late_us
        self._last_raw, self._seen_late_us = self._raw, late_us
        self._composition = composition
        self._odd = 0
        if self._again:
            self._again -= 1
        self.dts, self.pts = at, at + composition
        self.media_us = self.pts * self._num // self._den
        clock = self.clock
        if not clock.anchored:
            clock.observe(self.media_us, now_us)
            self._beginning.add(self.media_us, now_us)
            return
        clock.note(self.media_us, late_us)
        if late_us < self._least_us:
            self._least_us, self._least_at_us = late_us, now_us
        if now_us >= self._second_end_us:
            self._turn(now_us)

    def arrived(self, at_us: int) -> None:
        """The frame that was placed last had arrived at ``at_us``, not when it was read. Tells where the run begins, as
        long as that is open."""
        if not self.clock.anchored and self._held is None and self._number:
            self.clock.observe(self.media_us, at_us)

    def reported(self, now_us: int, camera_us: int) -> None:
        """The camera's own clock showed ``camera_us`` now, by a report that came the same way as its frames."""
        self._reports.add(now_us, camera_us, self._seen_late_us)

    def take_turn(self) -> str:
        """What happened to the camera's clock since this was last asked, for a person."""
        turned, self._turn_text = self._turn_text, ""
        return turned

    # What is not as usual
    # ----------------------------------------------------------------------------------------------

    def _slow(self, at: int, composition: int, step: int, late_us: int, now_us: int) -> bool:
        anchored = self.clock.anchored
        arrived = self._ticks(max(0, now_us - self._last_us))
        back = step < -self._ticks(_STEP_US)
        early = anchored and late_us < -_EARLY_US - self.slack_us
        if anchored:
            ahead = early and step > self.usual + self._ticks(_EARLY_US)
        else:
            # Of a camera whose stamps are fast each step is large.
            far = self._number > 3 and step > 4 * max(self.usual, self._ticks(self._beginning.step_us))
            far = far or step > self._ticks(_FAR_US)
            ahead = far and step > arrived + self._ticks(2 * _STEP_US)
        if self._held is not None:
            return self._hold(late_us, now_us)
        if self._creep is not None:
            return self._wait(self._creep, late_us, now_us)
        if back or ahead:
            self._odd_one(at, composition, now_us)
            return True
        if self._has_candidate:
            # The timeline from before goes on: that was an outlier.
            self.outliers += self._confirmed
            self._has_candidate = False
        if step <= 0:
            self._unmoving += 1
            self.moved += 1
            at = self._last + 1
            late_us = self._late_us(at + composition, now_us) if anchored else 0
            if self._raw == self._raw_before and late_us > 0:
                # Frames that share a time stamp are as far apart as others, as far as they have arrived by then; but if
                # it is only two, the next stamp is near.
                ticks = min(self.usual if self._unmoving > 1 else self.usual // 2, self._ticks(late_us))
                at += ticks
                late_us -= ticks * self._num // self._den
        elif early:
            at, late_us = self._pull(at, composition, late_us, now_us)
        if not anchored:
            self._accept(at, composition, 0, now_us)
            return True
        silence_us = now_us - self._last_us
        at_once = silence_us >= _SILENCE_US and late_us - self._last_late_us >= _SILENCE_US
        if at_once and late_us >= _SUSPICIOUS_US and not self._catching_up and not self._again:
            return self._hold(late_us, now_us)
        if self._is_doubtful(late_us, now_us):
            self._creep = Creep(late_us, now_us)
            return self._wait(self._creep, late_us, now_us)
        if self._scaled and late_us > _LATEST_US and not self._catching_up:
            ticks = self._ticks(late_us - _EARLY_US)
            self._shift(ticks)
            self._pushed_us += ticks * self._num // self._den
            at += ticks
            late_us = _EARLY_US
        self._accept(at, composition, late_us, now_us)
        return True

    def _late_us(self, pts: int, now_us: int) -> int:
        return now_us - self.clock.wall_us(pts * self._num // self._den)

    def _pull(self, at: int, composition: int, late_us: int, now_us: int) -> tuple[int, int]:
        """Frames came ever earlier: this one, and what follows, a little earlier. If it is because a delay is caught
        up, back to the camera's own timeline."""
        if self._scaled and not self._counted:
            own = self._raw + self._camera_offset
            own_late_us = self._late_us(own + composition, now_us)
            if -_EARLY_US <= own_late_us <= _EARLY_US:
                self._as_stamped(self._camera_offset, now_us)
                at = max(own, self._last + 1)
                return at, self._late_us(at + composition, now_us)
        wanted_us = -late_us - _PULL_US
        ticks = min(self._ticks(wanted_us), at - self._last - 1)
        if ticks > 0:
            self._shift(-ticks)
            self._pulled_us += ticks * self._num // self._den
            at -= ticks
            late_us += ticks * self._num // self._den
        return at, late_us

    def _shift(self, ticks: int) -> None:
        self._offset += ticks
        self._base_at += ticks

    # Odd ones and steps
    # ------------------------------------------------------------------------------------------------

    def _odd_one(self, at: int, composition: int, now_us: int) -> None:
        """A time stamp that can't be: the frame is placed by its predecessor and its arrival; or where those before it
        that were as odd say."""
        odd = self._odd + 1
        if self._has_candidate:
            moved = at + self._candidate
            step = moved - self._last
            arrived = self._ticks(max(0, now_us - self._last_us))
            late_us = self._late_us(moved + composition, now_us) if self.clock.anchored else 0
            near = -self._ticks(_STEP_US) <= step <= arrived + max(self._ticks(2 * _STEP_US), 3 * self.usual)
            if near and late_us >= -_EARLY_US - self.slack_us:
                self._confirmed += 1
                if self._confirmed >= _CONFIRMED_BY:
                    self._adopt(self._candidate, now_us)
                self._place_odd(max(moved, self._last + 1), composition, now_us, odd)
                return
        placed = self._estimate(composition, now_us)
        self._candidate, self._confirmed, self._has_candidate = placed - at, 1, True
        if odd >= _RANDOM:
            self._has_candidate = False
            self._go_by_arrival(0.0, now_us, placed)
        self._place_odd(placed, composition, now_us, odd)

    def _place_odd(self, at: int, composition: int, now_us: int, odd: int) -> None:
        late_us = self._late_us(at + composition, now_us) if self.clock.anchored else 0
        self._accept(at, composition, late_us, now_us)
        self._odd = odd

    def _estimate(self, composition: int, now_us: int) -> int:
        """Where a frame stands whose own time stamp says nothing: at the usual distance, as far as its arrival
        allows."""
        last = self._last
        at = last + max(self.usual, 1)
        since_us = now_us - self._last_us
        if self.clock.anchored:
            late_us = self._late_us(last + composition, now_us)
            latest = last + self._ticks(late_us)
            # A reader that polls sees frames up to half a second late; and the network may be as late as it was.
            earliest = latest - self._ticks(_STEP_US + max(0, self._last_late_us))
            at = min(max(at, earliest), latest)
        elif since_us > _STEP_US:
            at = max(at, last + self._ticks(since_us - _STEP_US))
        return max(at, last + 1)

    def _adopt(self, ticks: int, now_us: int) -> None:
        """The camera's clock was set: its time stamps go on from where the frames stand."""
        self._shift(ticks)
        self._has_candidate = False
        self._turned(f"the camera's time stamps stepped by {-ticks * self._num / self._den / 1e6:+.1f} s")
        self._begin_drift(now_us)

    def _turned(self, what: str) -> None:
        self.steps += 1
        self._turn_text = what

    # The hold --------------------------------------------------------------------------------------------------------

    def _hold(self, late_us: int, now_us: int) -> bool:
        hold = self._held
        if hold is None:
            hold = self._held = DelayedFrames(late_us, now_us)
        if verdict := hold.add(late_us, now_us):
            self._let_go(hold, verdict, now_us)
        return False

    @property
    def holding(self) -> bool:
        """Whether frames wait."""
        return self._held is not None or self._creep is not None

    def let_go(self, now_us: int) -> None:
        """Ends the hold, because nothing more is to wait."""
        if self._held is not None:
            self._let_go(self._held, self._held.end(), now_us)
        if self._creep is not None:
            self._believe(self._creep)

    # What comes ever later
    # ---------------------------------------------------------------------------------------------

    def _is_doubtful(self, late_us: int, now_us: int) -> bool:
        """Whether a frame that is so late is to wait until it is known why."""
        return (
            late_us >= DOUBTFUL_US + self._believed_us
            and not (self._scaled or self._catching_up or self._again)
            and not self._reports.are_late(now_us)
        )

    def _wait(self, creep: Creep, late_us: int, now_us: int) -> bool:
        """A frame waits, and its lateness counts all the same."""
        self._seen_late_us = late_us
        if late_us < self._least_us:
            self._least_us, self._least_at_us = late_us, now_us
        if creep.add(late_us, now_us) or self._reports.are_late(now_us):
            self._believe(creep)
        elif now_us >= self._second_end_us:
            least_us, at_us = self._least_us, self._least_at_us
            self._drift.add(at_us, least_us - self._pulled_us)
            self._least_us = _NEVER
            self._second_end_us = now_us + self._second_us()
            slope = self._drift.slope() or (self._drift.slight_slope() if self._drift.lag_us() else 0.0)
            if slope > 0 and creep.slope > 0 and not self._reports.forbid(now_us):
                # What was before it began is in the one, and jitter in the other.
                slope = min(max(slope, creep.slope), 0.98)
                self._let_creep(creep)
                late_us = max(0, least_us - round(slope * (at_us - self._last_us)))
                self._go_by_arrival(slope, self._last_us, self._last + self._ticks(late_us))
        return False

    def _believe(self, creep: Creep) -> None:
        """The frames that wait were late, and their stamps are right."""
        self._believed_us = max(0, self._seen_late_us)
        self._let_creep(creep)

    def _let_creep(self, creep: Creep) -> None:
        self._creep = None
        self._number -= creep.count
        self._again = creep.count
        self._raw = self._last_raw

    def _let_go(self, hold: DelayedFrames, verdict: str, now_us: int) -> None:
        self._held = None
        self._number -= hold.count
        # Whatever it was: these frames are not to be held once more, nor those right behind them.
        self._again = hold.count
        self._catching_up = True
        if verdict == "stood":
            self._shift(self._ticks(hold.least_us))
            self._turned(f"the camera's time stamps stood still for {hold.least_us / 1e6:.1f} s")
            self._begin_drift(now_us)

    # Rates -----------------------------------------------------------------------------------------------------------

    def _begin_drift(self, now_us: int) -> None:
        self._drift.begin(now_us)
        self._least_us = _NEVER
        self._pulled_us = 0
        self._second_end_us = now_us + self._second_us()
        self._mark_us, self._mark_number = now_us, self._number

    def _second_us(self) -> int:
        # Of four frames at least, as one alone says little.
        return max(_SECOND_US, 4 * self.usual * self._num // self._den)

    def _turn(self, now_us: int) -> None:
        """A second ended."""
        least_us, self._least_us = self._least_us, _NEVER
        self._second_end_us = now_us + self._second_us()
        windows = self._windows
        if windows is not None:
            if windows.due(now_us) and not self._catching_up:
                windows.turn(now_us, least_us + self._pushed_us)
                self._pushed_us = 0
                if windows.is_right and not self._counted:
                    self._as_stamped(self._last - self._raw, now_us)
                else:
                    self._base_raw, self._base_at = self._number if self._counted else self._raw, self._last
                    self._scale = windows.scale
            return
        self._drift.add(self._least_at_us, least_us - self._pulled_us)
        if least_us > 0 and self._reports.forbid(now_us):
            return
        if slope := self._drift.slope():
            self._go_by_arrival(slope, now_us, self._last + self._ticks(max(0, least_us)))
        elif lag_us := self._drift.lag_us():
            if slope := self._drift.slight_slope():
                self._go_by_arrival(slope, now_us, self._last + self._ticks(least_us))
                return
            self._shift(self._ticks(lag_us))
            self._turned(f"the camera's frames came {lag_us / 1e6:.1f} s late and did not catch up")
            self._begin_drift(now_us)

    def _go_by_arrival(self, slope: float, now_us: int, at: int) -> None:
        """Time stamps run at another rate, which makes frames later by ``slope`` a second; or (0) they say nothing. The
        last frame would rather have stood ``at``."""
        counted = slope == 0.0 or slope > 0.98 or self._unmoving >= _CONFIRMED_BY
        if counted:
            frames = max(1, self._number - self._mark_number)
            scale = self._ticks(max(1, now_us - self._mark_us)) / frames
        else:
            scale = 1 / (1 - slope)
        self._scale_from(counted, scale, at, now_us)

    def _scale_from(self, counted: bool, scale: float, at: int, now_us: int) -> None:
        self._camera_offset = self._offset
        self._scaled, self._counted = True, counted
        self._base_raw, self._base_at, self._scale = self._number if counted else self._raw, at, scale
        self._windows = DriftWindows(scale, now_us)
        self._pushed_us = 0
        self.manner = "counted" if counted else "scaled"
        self.by_arrival += 1
        self._begin_drift(now_us)

    def _as_stamped(self, offset: int, now_us: int) -> None:
        """The camera's rate is right again."""
        self._scaled = self._counted = False
        self._windows = None
        self._offset = offset
        self.manner = "camera"
        self._begin_drift(now_us)

    # The beginning
    # -----------------------------------------------------------------------------------------------------

    def ready(self, now_us: int) -> bool:
        """Whether what came so far tells when the run began."""
        return self._beginning.ready(now_us)

    def anchor(self, frames: list[Frame], now_us: int) -> None:
        """Fixes the clock; ``frames`` are those placed so far that are kept, the latest last. They are placed anew if
        time stamps do not keep pace."""
        if frames and self._beginning.is_off(now_us):
            self._place_anew(frames, now_us)
        self._beginning = Beginning()
        self.clock.anchor()
        self._last_late_us = max(0, self._late_us(self._last + self._composition, self._last_us))
        self._begin_drift(now_us)

    def _place_anew(self, frames: list[Frame], now_us: int) -> None:
        pace, interval = self._beginning.pace, self._beginning.interval_us * self._den / self._num
        counted = self._unmoving >= _CONFIRMED_BY or pace == 0 or not self._beginning.is_even
        first = frames[0].dts
        self.clock.forget()
        arrivals = self._beginning.arrivals_us[-len(frames) :]
        for number, (frame, arrival_us) in enumerate(zip(frames, arrivals, strict=True)):
            composition = 0 if counted else round((frame.pts - frame.dts) / pace)
            at = first + round(number * interval if counted else (frame.dts - first) / pace)
            frame.dts = at if number == 0 else max(at, self._last + 1)
            self._last = frame.dts
            frame.pts = frame.dts + composition
            self.clock.observe(frame.pts * self._num // self._den, arrival_us)
        self._composition = frames[-1].pts - frames[-1].dts
        self.usual = round(interval)
        self._scale_from(counted, interval if counted else 1 / pace, self._last, now_us)
