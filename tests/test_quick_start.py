"""What a start leaves out, looked at in processes of their own."""

import subprocess
import sys

WITHOUT_SETUPTOOLS = """
import sys
from atta_daq.quick_start import loading
with loading():
    from p4p.client.thread import Context
    from p4p.server import Server, StaticProvider
Context("pva", conf={"EPICS_PVA_AUTO_ADDR_LIST": "NO", "EPICS_PVA_ADDR_LIST": "127.0.0.1"},
        useenv=False).close()
print("setuptools" in sys.modules)
"""
COLLECTOR = """
import gc
from atta_daq.quick_start import loading
seen = []
try:
    with loading():
        seen.append(gc.isenabled())
        raise ImportError("no such module")
except ImportError:
    seen.append(gc.isenabled())
print(*seen)
"""


def printed(script: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_the_protocol_is_there_without_what_builds_libraries() -> None:
    assert printed(WITHOUT_SETUPTOOLS) == ["False"]


def test_collections_come_back_also_when_a_module_is_missing() -> None:
    assert printed(COLLECTOR) == ["False", "True"]
