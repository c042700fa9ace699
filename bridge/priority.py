"""Real-time priority, for the one thread whose lateness is heard."""

from __future__ import annotations

import os
import sys

REAL_TIME = sys.platform == "linux"  # where it can be asked for
PRIORITY = 10  # below JACK's own threads, which begin at 10 below its 70 or so; above all others


def go_first() -> bool:
    """Let this thread run before any ordinary one, where the system allows it; False elsewhere.

    Linux allows it to those whom ``ulimit -r`` does, as JACK asks for anyway. See sched(7).
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
