"""``python -m nvr.devices.ptz``: moves cameras, in a process of its own; its settings as a line of JSON on stdin, then
a question a line: ``{"n": …, "do": "open" | "move" | "stop" | "presets" | "go" | "keep" | "forget", "camera": …, …}``.

Answers each with ``{"n": …, "ok": …}`` or ``{"n": …, "error": …}`` on stdout, and says ``{"dead_man": camera}`` when it
stopped a camera because nobody said any more how it is to move. Ends with stdin; then whatever moves is stopped first.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from pathlib import Path
from typing import Any, Final

import msgspec

from nvr import core_dumps
from nvr import log as logs
from nvr.devices.conversation import ConversationError, DeviceConversation
from nvr.devices.ptz.head import PtzHead
from nvr.devices.ptz.mover import PtzMover
from nvr.devices.ptz.places import NotMovable, find_place
from nvr.devices.ptz.settings import PtzSettings
from nvr.devices.ptz.steps import DEAD_MAN_S, PtzVelocity
from nvr.recorder.sources.rtsp.ledger import LEDGER
from storage.catalogue.database import Database
from storage.sentences import Sentence, kept, sentence_of

log = logging.getLogger(__name__)

_ANSWER_S: Final = 2.0
# A conversation that nobody needs is ended; its device may have few connections.
_IDLE_S: Final = 120.0
_LOOK_S: Final = 10.0
_ENDS_S: Final = 5.0


class _Movers:
    """A mover for each camera that somebody asked for lately."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._movers: dict[str, PtzMover] = {}
        self._opening: dict[str, asyncio.Task[PtzMover]] = {}

    async def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """The answer to one question; never raises."""
        try:
            return {"n": question["n"], "ok": await self._answer(question)}
        except (NotMovable, ConversationError) as error:
            return {"n": question["n"], "error": kept(sentence_of(error))}
        except Exception:
            log.exception("moving a camera failed: report this, with these lines")
            return {"n": question["n"], "error": kept(Sentence("this failed on the server; its log says how"))}

    async def _answer(self, question: dict[str, Any]) -> Any:
        camera, what, asked_s = question["camera"], question["do"], time.monotonic()
        mover = await self._mover(camera)
        if what == "move" and time.monotonic() - asked_s < DEAD_MAN_S:
            # Later, whoever asked may have let go long ago.
            mover.want(PtzVelocity(question["pan"], question["tilt"], question["zoom"]))
        elif what == "stop":
            mover.halt()
        elif what == "presets":
            return [[one.token, one.name] for one in await mover.look(PtzHead.presets)]
        elif what == "go":
            await mover.ask(lambda head: head.go(question["preset"]))
        elif what == "keep":
            made = await mover.ask(lambda head: head.keep(question["name"]))
            return [made.token, made.name]
        elif what == "forget":
            await mover.ask(lambda head: head.forget(question["preset"]))
        trouble = None if mover.trouble is None else kept(mover.trouble)
        return {"moving": mover.is_moving, "trouble": trouble}

    async def _mover(self, camera: str) -> PtzMover:
        found = self._movers.get(camera)
        if found is not None:
            return found
        opening = self._opening.get(camera)
        if opening is None:
            opening = self._opening[camera] = asyncio.create_task(self._open(camera))
            opening.add_done_callback(lambda _: self._opening.pop(camera, None))
        return await asyncio.shield(opening)

    async def _open(self, camera: str) -> PtzMover:
        def find() -> Any:
            with self._db.read() as conn:
                # Which may be moved, who asks has seen to.
                return find_place(conn, camera, "*")

        place = await asyncio.to_thread(find)
        head = PtzHead(DeviceConversation(place.device, place.login, answer_s=_ANSWER_S), place.profile)
        try:
            await head.open()
        except ConversationError:
            head.close()
            raise
        made = self._movers[camera] = PtzMover(head, on_dead_man=lambda: _say({"dead_man": camera}))
        return made

    async def tidy(self) -> None:
        """Ends conversations that nobody needs, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            for camera, mover in list(self._movers.items()):
                if time.monotonic() - mover.used_s > _IDLE_S and not mover.is_moving:
                    del self._movers[camera]
                    await mover.close()

    async def close(self) -> None:
        """Stops whatever moves."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_S):
                await asyncio.gather(*(mover.close() for mover in self._movers.values()), return_exceptions=True)


def _say(line: dict[str, Any]) -> None:
    # Who began it may have gone.
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        sys.stdout.flush()


def main() -> None:
    core_dumps.forbid()
    asyncio.run(_run())


async def _run() -> None:
    # The first line too: what reads a line of a pipe by itself may take the next ones along.
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    settings = msgspec.json.decode(await reader.readline(), type=PtzSettings)
    logs.setup("ptz", settings.log_level)
    database = Database(Path(settings.catalogue))
    LEDGER.open(database)
    movers = _Movers(database)
    tidying = asyncio.create_task(movers.tidy())
    answering: set[asyncio.Task[None]] = set()

    async def answer(question: dict[str, Any]) -> None:
        _say(await movers.answer(question))

    while line := await reader.readline():
        task = asyncio.create_task(answer(msgspec.json.decode(line)))
        answering.add(task)
        task.add_done_callback(answering.discard)
    tidying.cancel()
    for task in answering:
        task.cancel()
    await movers.close()
    await asyncio.to_thread(LEDGER.close)
    await asyncio.to_thread(database.close)


if __name__ == "__main__":
    main()
