"""How much memory processes have used, as far as the system tells."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

PROC = Path("/proc/self")
UNIT = 1024.0 if sys.platform != "darwin" else 1024.0 * 1024.0
"""What ``ru_maxrss`` counts in, per megabyte."""


def restart_peak() -> float:
    """Forget this process's peak memory so far, where the system can, and return what it uses now, in megabytes."""
    if not PROC.exists():
        return peak_mb()
    (PROC / "clear_refs").write_text("5")
    return _status_mb("VmRSS")


def peak_mb() -> float:
    """The most memory that this process has used, in megabytes."""
    return _status_mb("VmHWM") if PROC.exists() else peak_of_all_mb(children=False)


def peak_of_all_mb(children: bool = True) -> float:
    """The most that this process, or with ``children`` the largest that it waited for, has used; megabytes."""
    try:
        import resource
    except ImportError:  # Windows
        return float(psutil.Process().memory_info().peak_wset) / 2**20
    asked = (resource.RUSAGE_SELF, *((resource.RUSAGE_CHILDREN,) if children else ()))
    return max(resource.getrusage(who).ru_maxrss for who in asked) / UNIT


def _status_mb(key: str) -> float:
    lines = (PROC / "status").read_text().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(key)) / 1024.0
