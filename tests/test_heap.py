"""The C library's heaps, looked at in a process of its own."""

import platform
import subprocess
import sys

import pytest

from atta_daq.heap import HEAPS

SHOW = """
import ctypes, threading, xml.etree.ElementTree as tree
from atta_daq.heap import few_heaps, give_back
if {few}:
    assert few_heaps()
libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
barrier = threading.Barrier(12)
def work():
    barrier.wait()
    kept = [libc.malloc(40_000) for _ in range(200)]
    barrier.wait()
threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
give_back()
out = libc.fopen(b"{path}", b"w")
libc.malloc_info(0, ctypes.c_void_p(out))
libc.fclose(ctypes.c_void_p(out))
print(len(tree.parse("{path}").getroot().findall("heap")))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_all_threads_share_a_few_heaps(tmp_path) -> None:
    def heaps(few: bool) -> int:
        script = SHOW.format(few=few, path=tmp_path / "heaps.xml")
        done = subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    assert heaps(few=True) <= HEAPS
    assert heaps(few=False) > HEAPS, "otherwise nothing would have been gained"


CIRCLE = """
import gc, weakref
from atta_daq.heap import give_back, loaded
class Part: pass
def circle():
    part = Part()
    part.whole = [part]
    return weakref.ref(part)
gc.disable()
early = circle()
loaded()
kept = circle()()
late = circle()
give_back()
print(early() is None, gc.get_freeze_count() > 1000, late() is None, kept.whole[0] is kept)
"""


def test_what_refers_to_itself_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", CIRCLE], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.split() == ["True"] * 4
