"""What a process holds: the bytes of all objects that can be reached from some, and its resident memory (Linux)."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from pathlib import Path
from types import ModuleType

_PAGE = os.sysconf("SC_PAGE_SIZE")


def weight(*roots: object) -> int:
    """Return the bytes of the objects that can be reached from these, each counted once.

    Code is left out: modules, with what is global in them, and classes.
    """
    seen = {id(vars(module)) for module in list(sys.modules.values())}
    total = 0
    waiting: list[object] = list(roots)
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (ModuleType, type)):
            continue
        seen.add(id(one))
        total += sys.getsizeof(one)
        waiting += gc.get_referents(one)
    return total


def resident() -> int:
    """Return the bytes of resident memory of this process once all that is free has been given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE
