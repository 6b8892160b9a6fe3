"""File systems that can't sync a folder: refused with what that means, unless it was accepted."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from storage.disk.files import FILES, UnsyncedFolderError, accept_unsynced_folders
from storage.disk.roots import open_root
from storage.errors import RootError
from tests.support.cameras.clips import Clip
from tests.support.cameras.fixtures import h264_clip, serve
from tests.support.cameras.running import Startable
from tests.support.cameras.scripted import ScriptedCamera
from tests.support.server import Server

__all__ = ["h264_clip", "serve"]

# Makes the fsync of every folder below $REFUSED fail, as an old SMB mount does.
PRELOADED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
int fsync(int fd) {
  static int (*real)(int);
  struct stat found;
  char link[64], path[4096];
  const char *refused = getenv("REFUSED");
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  if (refused && !fstat(fd, &found) && S_ISDIR(found.st_mode)) {
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size > 0 && !strncmp(path, refused, strlen(refused))) { errno = EINVAL; return -1; }
  }
  return real(fd);
}
"""


@pytest.fixture(autouse=True)
def nothing_accepted() -> Iterator[None]:
    accept_unsynced_folders(False)
    yield
    accept_unsynced_folders(False)


def refusing(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.fsync

    def fsync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise OSError(number, os.strerror(number))
        real(fd)

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_refused_with_what_it_means(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    known = open_root(tmp_path / "known", known=None)
    refusing(monkeypatch, number)
    for path, identity in ((tmp_path / "new", None), (known.path, known.id)):
        with pytest.raises(RootError) as refused:
            open_root(path, known=identity)
        text = str(refused.value)
        assert "can't sync folders" in text and "unsynced_folders = true" in text and " at /" in text, text


def test_accepted_and_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("storage.disk.files._UNSYNCED", set())
    refusing(monkeypatch, errno.EINVAL)
    accept_unsynced_folders(True)
    with caplog.at_level(logging.WARNING):
        open_root(tmp_path / "new", known=None)
        FILES.sync_folder(tmp_path)
    assert caplog.text.count("can't sync folders") == 1


@pytest.mark.parametrize("accepted", [False, True])
def test_a_failing_disk_is_no_such_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, accepted: bool) -> None:
    refusing(monkeypatch, errno.EIO)
    accept_unsynced_folders(accepted)
    with pytest.raises(OSError) as failed:
        FILES.sync_folder(tmp_path)
    assert not isinstance(failed.value, UnsyncedFolderError)


def test_a_server(
    tmp_path: Path, serve: Callable[[Startable], str], h264_clip: Clip, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("NOT TESTED with a server on such a file system, since there is no C compiler here")
    source, library = tmp_path / "refuse.c", tmp_path / "refuse.so"
    source.write_text(PRELOADED)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("REFUSED", str(tmp_path / "data" / "footage"))
    server = Server(tmp_path, [{"id": "a", "url": serve(ScriptedCamera(h264_clip, at_end="repeat"))}], workers=1)
    server.start()
    assert server.process is not None and server.process.wait(30) == 1
    assert "can't sync folders" in server.tail()
    server.config.write_text(server.config.read_text().replace("[storage]", "[storage]\nunsynced_folders = true"))
    server.start()
    server.until(lambda: len(server.closed("a")) > 1)
    assert server.stop() == 0
    assert "which is accepted" in server.log.read_text()
