"""Threads beside a disk's writing thread: for waiting on the disk, and for hashing what was written.

Both are bounded and keep the order that counts: of one segment's bytes, and of one segment's steps. Their threads are
daemons, as a disk that does not answer must not keep the process from ending. Not started, they do their work at once
on the caller's thread.
"""

from __future__ import annotations

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, TypeVar

__all__ = ["Digest", "Hasher", "Waiters"]

_T = TypeVar("_T")
# Hashing is faster than a disk; where it is not, the disk's thread waits for it rather than keep more in memory.
_HASH_QUEUE_BYTES: Final = 16 << 20
# Less is hashed sooner than handed over.
_SMALL_BYTES: Final = 32 << 10


class Waiters:
    """Does what a disk is waited for in, a few things at a time: a file system that syncs several files at once commits
    them together."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._jobs: deque[tuple[Callable[[], Any], Future[Any]]] = deque()
        self._wake = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._ending = False

    def start(self) -> None:
        """Starts the threads."""
        for number in range(self._count):
            thread = threading.Thread(target=self._run, name=f"{self._name}-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def submit(self, job: Callable[[], _T], *, first: bool = False) -> Future[_T]:
        """Queues a job; those before it have begun when it begins, unless it is to be ``first``: then it waits for
        none, and must not need to. Not started: does it now."""
        future: Future[_T] = Future()
        if not self._threads:
            self._do(job, future)
            return future
        with self._wake:
            if first:
                self._jobs.appendleft((job, future))
            else:
                self._jobs.append((job, future))
            self._wake.notify()
        return future

    def stop(self) -> None:
        """Ends the threads once nothing is queued; does not wait for them."""
        with self._wake:
            self._ending = True
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._jobs:
                    if self._ending:
                        return
                    self._wake.wait()
                job, future = self._jobs.popleft()
            self._do(job, future)

    @staticmethod
    def _do(job: Callable[[], Any], future: Future[Any]) -> None:
        try:
            result = job()
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(result)


class Digest:
    """The SHA-256 of one segment while it is written."""

    __slots__ = ("hash", "waiting")

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.waiting = 0


class Hasher:
    """One thread that hashes what a disk's thread has written, while that is ``behind``; otherwise the caller does: two
    threads that take turns at every fragment cost more than the hash."""

    def __init__(self, name: str, *, queue_bytes: int = _HASH_QUEUE_BYTES) -> None:
        self._queue_bytes = queue_bytes
        self._queue: deque[tuple[Digest, Sequence[bytes], int]] = deque()
        self._bytes = 0
        self.behind = False
        self._wake = threading.Condition()
        self._ending = False
        self._own_thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Starts the thread."""
        self._own_thread.start()

    def add(self, digest: Digest, buffers: Sequence[bytes]) -> None:
        """Adds bytes to a digest, in the order given; waits while too many are queued."""
        size = sum(map(len, buffers))
        here = not self.behind or size < _SMALL_BYTES
        if (here and not digest.waiting) or not self._own_thread.is_alive():
            for buffer in buffers:
                digest.hash.update(buffer)
            return
        with self._wake:
            while self._bytes > self._queue_bytes:
                self._wake.wait()
            digest.waiting += 1
            self._bytes += size
            self._queue.append((digest, buffers, size))
            self._wake.notify_all()

    def hexdigest(self, digest: Digest) -> str:
        """The digest of all that was added, in hexadecimal; waits for it."""
        with self._wake:
            while digest.waiting:
                self._wake.wait()
            return digest.hash.hexdigest()

    def stop(self) -> None:
        """Ends the thread once nothing is queued; does not wait for it."""
        with self._wake:
            self._ending = True
            self._wake.notify_all()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._queue:
                    if self._ending:
                        return
                    self._wake.wait()
                digest, buffers, size = self._queue.popleft()
            for buffer in buffers:
                digest.hash.update(buffer)
            with self._wake:
                self._bytes -= size
                digest.waiting -= 1
                self._wake.notify_all()
