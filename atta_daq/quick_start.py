"""What makes a process start sooner, whatever it is for. To be imported before anything heavy."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec, module_from_spec

_DSO = "setuptools_dso"


@contextmanager
def loading() -> Iterator[None]:
    """While modules are imported: no collection, which would look through all that has been loaded
    so far time and again."""
    leave_out_setuptools()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def leave_out_setuptools() -> None:
    """Let p4p find its libraries without loading setuptools, a tenth of a second of every start.

    It needs two functions of `setuptools_dso.runtime`; that package loads what builds such
    libraries as well, and nothing here does.
    """
    spec = None if _DSO in sys.modules else find_spec(_DSO)
    if spec is None:
        return
    package = module_from_spec(spec)
    package.__getattr__ = lambda name: getattr(import_module(f"{_DSO}.runtime"), name)
    sys.modules[_DSO] = package
