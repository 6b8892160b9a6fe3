"""While a camera plays: notices silence, keeps the session alive, sends reports.

Timers, not a task: of thousands of cameras each is looked after every few seconds, and what a task needs for that was 6
% of a worker's time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from nvr.recorder.loop.rounds import LATENESS
from nvr.recorder.media.packets import Ended
from nvr.recorder.sources.rtsp.client import RtspSession
from storage.causes import Cause

__all__ = ["ConnectionWatch"]

log = logging.getLogger(__name__)

_REPORT_S: Final = 5.0
# A camera that sends packets of which none are a frame: so many stall timeouts, and at least so long. Frames that lack
# a keyframe are no fault (``waiting``).
_PICTURELESS_TIMES: Final = 3
_PICTURELESS_S: Final = 60.0
# An event loop that wakes so much too late does not keep up.
_BEHIND_S: Final = 2.0


class ConnectionWatch:
    """Of one session. ``received`` tells how many packets and whole frames there were so far, decodable or not;
    ``report`` is called every ``_REPORT_S`` seconds. ``behind_s``: how far the loop was behind when it last was, at
    ``behind_at`` by its clock."""

    def __init__(
        self, session: RtspSession, stall_s: float, received: Callable[[], tuple[int, int]], report: Callable[[], None]
    ) -> None:
        self._session = session
        self._stall_s = stall_s
        self._received = received
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Exception] = self._loop.create_future()
        self._pictureless_s = max(_PICTURELESS_S, _PICTURELESS_TIMES * stall_s)
        self._tick_s = min(stall_s / 4, _REPORT_S, session.keep_alive_s / 2)
        now = self._loop.time()
        self._ticked_at = self._packet_at = self._picture_at = now
        self._packets, self._pictures = -1, received()[1]
        self._report_due, self._alive_due = now + self._tick_s, now + session.keep_alive_s
        self._timer: asyncio.TimerHandle | None = None
        self._asking: asyncio.Task[None] | None = None
        self.behind_s = 0.0
        self.behind_at = float("-inf")

    async def ended(self) -> Exception:
        """Waits for what ends the session."""
        closed = self._session.connection.closed
        self._next_turn()
        closed.add_done_callback(self._closed)
        try:
            return await self._ended
        finally:
            closed.remove_done_callback(self._closed)
            if self._timer is not None:
                self._timer.cancel()
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.gather(self._asking, return_exceptions=True)

    def _end(self, why: Exception) -> None:
        if not self._ended.done():
            self._ended.set_result(why)

    def _closed(self, closed: asyncio.Future[Exception]) -> None:
        self._end(closed.result())

    def _next_turn(self) -> None:
        self._timer = self._loop.call_later(self._tick_s, self._turn)

    def _turn(self) -> None:
        self._next_turn()
        try:
            self._look(self._loop.time())
        except Exception as error:
            self._end(error)

    def _look(self, now: float) -> None:
        behind_s = max(now - self._ticked_at - self._tick_s, LATENESS.late_now_s(now))
        self._ticked_at = now
        if behind_s > self._tick_s:
            # The loop stood still, or rounds take long: what came meanwhile is not read yet, so that nothing can be
            # said of the camera.
            if behind_s > _BEHIND_S:
                self.behind_s, self.behind_at = behind_s, now
            self._packet_at = min(now, self._packet_at + behind_s)
            self._picture_at = min(now, self._picture_at + behind_s)
        packets, pictures = self._received()
        if packets != self._packets:
            self._packets, self._packet_at = packets, now
        elif now - self._packet_at >= self._stall_s:
            self._end(Ended(Cause.STALLED, {"error": "no data from the camera"}))
            return
        if pictures != self._pictures:
            self._pictures, self._picture_at = pictures, now
        elif now - self._picture_at >= self._pictureless_s:
            self._end(Ended(Cause.CORRUPT, {"error": f"no whole frame for {self._pictureless_s:.0f} s"}))
            return
        if now >= self._report_due:
            self._report_due = now + _REPORT_S
            self._report()
        if now >= self._alive_due and self._asking is None:
            self._alive_due = now + self._session.keep_alive_s
            self._asking = asyncio.create_task(self._session.keep_alive())
            self._asking.add_done_callback(self._answered)

    def _answered(self, asking: asyncio.Task[None]) -> None:
        self._asking = None
        if asking.cancelled() or (error := asking.exception()) is None:
            return
        closed = self._session.connection.closed
        # What ended the connection is heard by who waits for that.
        if not closed.done() or closed.result() is not error:
            # A fault of ours. Media flows, so it costs nothing.
            log.error("a session could not be kept alive: report this, with these lines", exc_info=error)
