"""Recorded bytes are read through one seam, ``storage/disk``: nothing else in the product opens a file of footage.

Which file a call opens can't be seen in the source, so every module that opens any stands in the table, with what it
reads. Invariant: none of the folders that know footage by its path is there, but for the seam itself.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

TOP = Path(__file__).parent.parent

# Module to the files that it opens or the folders that it lists.
READERS = {
    "nvr/accounts/first.py": "the first password, which it writes",
    "nvr/api/answers/page.py": "the page's own files",
    "nvr/api/answers/spool.py": "an answer that is kept in a temporary file",
    "nvr/api/operations/server_metrics.py": "how many descriptors this process has",
    "nvr/backups/drill.py": "a backup, a copy of which it damages",
    "nvr/backups/making.py": "a backup, which it makes",
    "nvr/backups/remote.py": "a backup that is fetched, which it writes",
    "nvr/backups/restoring.py": "a backup, and what it restores",
    "nvr/backups/sealed_files.py": "the configuration and keys",
    "nvr/backups/sets.py": "backups",
    "nvr/backups/verifying.py": "a backup",
    "nvr/api/cases/export_requests.py": "the manifest of a package",
    "nvr/api/cameras/streets.py": "the streets of the map",
    "nvr/cli/backup.py": "the sizes of a backup",
    "nvr/cli/choosing.py": "a list of cameras that is given",
    "nvr/cli/clip.py": "the clip that it writes, and what an interrupted one left",
    "nvr/cli/countersign.py": "a key and a certificate that are given",
    "nvr/cli/keys.py": "a key and a certificate that are given",
    "nvr/cli/orders.py": "the letter of an order",
    "nvr/cli/probe.py": "a capture of what a camera said",
    "nvr/cli/scan.py": "a password that is given",
    "nvr/cli/secrets.py": "a file of secrets that is given",
    "nvr/cli/verify.py": "certificates that are given",
    "nvr/compiled.py": "the product's own sources",
    "nvr/config/last_good.py": "the configuration",
    "nvr/config/loading.py": "the configuration",
    "nvr/config/secret_files.py": "secrets beside the configuration",
    "nvr/config/zone.py": "the system's time zone",
    "nvr/demo/cameras.py": "its standard input",
    "nvr/doctor/machine.py": "what the system says of itself",
    "nvr/doctor/service.py": "who holds which lock",
    "nvr/evidence/jobs/priority.py": "what the system says of pressure",
    "nvr/evidence/making/comparing.py": "a package",
    "nvr/evidence/making/countersign.py": "a package",
    "nvr/evidence/making/notes.py": "what is finished of an export that was interrupted",
    "nvr/evidence/making/package.py": "a package",
    "nvr/evidence/making/zipping.py": "a package",
    "nvr/evidence/package/archive.py": "a package",
    "nvr/evidence/package/hashed_files.py": "the exported file, which it writes",
    "nvr/evidence/package/verifier.py": "the page that goes along with a package",
    "nvr/evidence/package/statement.py": "the exported file, for its first picture",
    "nvr/evidence/seal/heads.py": "signed heads of the audit log",
    "nvr/evidence/seal/keys.py": "keys",
    "nvr/evidence/verify/check.py": "a package",
    "nvr/evidence/verify/sources.py": "a package",
    "nvr/extension.py": "the extension's sources, and what was built of them",
    "nvr/housekeeping/backups.py": "the sizes of a backup",
    "nvr/housekeeping/brake.py": "how long the system has been up",
    "nvr/recorder/loop/crash_slots.py": "memory that processes share",
    "nvr/recorder/audio/encoder.py": "a pipe",
    "nvr/recorder/audio/encoding.py": "a pipe",
    "nvr/recorder/watching/__main__.py": "its standard input",
    "nvr/supervisor/patience.py": "what the system says of processes",
    "nvr/texts/words.py": "the product's own texts",
    "nvr/tls/acme_folder.py": "the account's key, and answers to an authority",
    "nvr/tls/authority.py": "the own authority's key and certificate",
    "nvr/tls/pair.py": "a certificate and its key",
    "storage/catalogue/database.py": "the catalogue's folder, to sync it",
    "storage/catalogue/node.py": "lock files",
    "storage/durable_files.py": "the file that it writes, and a folder, to sync it",
    "storage/disk/files.py": "footage: this is the seam",
    "storage/disk/root_places.py": "which disks the system mounts",
    "storage/disk/roots.py": "a root's identity",
    "storage/disk/smart.py": "which disks the system has",
    "storage/secrets/key_copy.py": "a copy of the key",
    "storage/secrets/sealing.py": "the key",
    "storage/upgrade/back.py": "copies of the catalogue",
    "storage/upgrade/copies.py": "copies of the catalogue",
}
# Whoever has the path of a segment lives here.
KNOW_FOOTAGE = (
    "nvr/playback",
    "storage/format",
    "storage/recovery",
    "storage/retention",
    "storage/tiers",
    "storage/writing",
)

_MODULES = {"os", "io", "aiofiles", "gzip", "bz2", "lzma", "codecs", "mmap"}
_READS = {"pread", "preadv", "read_bytes", "read_text", "readv", "sendfile", "splice"}
_COPIES = {"copy2", "copy_file_range", "copyfile", "copyfileobj", "copytree"}
_OPENS = {"FileIO", "fdopen", "fromfile", "memmap"}
_LISTS = {"glob", "iterdir", "listdir", "rglob", "scandir"}
_ALWAYS = _READS | _COPIES | _OPENS | _LISTS
# Python has these of other things too.
_OF_MODULE = {"open": _MODULES, "read": {"os"}, "walk": {"os"}, "mmap": {"mmap"}, "open_code": {"io"}}


def opens(source: str) -> Iterator[str]:
    """The calls in a source that open a file, read one or list a folder."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        call = node.func
        if isinstance(call, ast.Name) and call.id in ("open", "FileIO", "mmap"):
            yield call.id
        if not isinstance(call, ast.Attribute):
            continue
        module = call.value.id if isinstance(call.value, ast.Name) else ""
        modes = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        is_path = any(set(mode) <= set("rwxabt+") for mode in modes if len(mode) <= 3)
        is_path |= any(each.arg in ("mode", "encoding", "buffering") for each in node.keywords)
        of_memory = [each for each in node.args if isinstance(each, ast.Call) and "BytesIO" in ast.unparse(each)]
        if call.attr in _ALWAYS or module in _OF_MODULE.get(call.attr, ()):
            yield f"{module or '…'}.{call.attr}"
        elif call.attr == "open" and module == "av":
            # FFmpeg opens what it is given: an address, bytes in memory, or a file.
            if not of_memory and "str(" in ast.unparse(node):
                yield "av.open"
        elif call.attr == "open" and is_path:
            yield f"{module or '…'}.open"


def found() -> dict[str, set[str]]:
    calls: dict[str, set[str]] = defaultdict(set)
    for top in ("nvr", "storage"):
        for path in sorted((TOP / top).rglob("*.py")):
            if "node_modules" not in path.parts:
                for call in opens(path.read_text()):
                    calls[path.relative_to(TOP).as_posix()].add(call)
    return calls


def test_only_the_seam_reads_footage() -> None:
    calls = found()
    new = {module: sorted(names) for module, names in calls.items() if module not in READERS}
    assert not new, f"these open files: footage is read through storage/tiers, all else belongs into the table: {new}"
    assert not [module for module in READERS if module not in calls], "these open none any more"


def test_whoever_knows_where_footage_lies_opens_nothing() -> None:
    for folder in KNOW_FOOTAGE:
        assert not [module for module in READERS if module.startswith(f"{folder}/")]


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "os.open(path, os.O_RDONLY)",
        "os.pread(fd, 1, 0)",
        "os.preadv(fd, [b], 0)",
        "path.open('rb')",
        "path.open(buffering=0)",
        "path.read_bytes()",
        "aiofiles.open(path)",
        "mmap.mmap(fd, 0)",
        "os.sendfile(a, b, 0, 1)",
        "av.open(str(path), 'r')",
        "shutil.copyfile(a, b)",
        "np.fromfile(path)",
        "os.scandir(path)",
        "sorted(path.iterdir())",
    ],
)
def test_ways_around_it_are_seen(source: str) -> None:
    assert list(opens(source))


def test_what_is_no_file_is_not() -> None:
    assert not list(opens("cache.open(segment)\nav.open(io.BytesIO(data), 'r', format='mp4')\nsink.open(template)"))
