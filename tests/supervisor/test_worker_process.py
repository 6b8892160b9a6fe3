"""What a worker's process is started with."""

from __future__ import annotations

from nvr.supervisor.worker_process import recorder_environment


def test_what_the_admin_says_of_memory_counts() -> None:
    found = recorder_environment({"PATH": "/bin", "PYTHONMALLOC": "debug", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"})
    assert found["PATH"] == "/bin" and found["PYTHONMALLOC"] == "debug"
    # The last word is the one that glibc goes by.
    assert found["GLIBC_TUNABLES"].split(":")[-1] == "glibc.malloc.hugetlb=0"


def test_a_worker_takes_large_pages_by_default() -> None:
    found = recorder_environment({})
    assert "PYTHONMALLOC" not in found and "glibc.malloc.hugetlb=1" in found["GLIBC_TUNABLES"].split(":")


def test_what_is_started_so_starts_others_so() -> None:
    once = recorder_environment({"GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"})
    assert recorder_environment(once) == once
