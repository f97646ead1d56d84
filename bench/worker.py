"""The process that measures: `python -m bench.worker PLUGIN...`, started by the supervisor.

It reads jobs, one JSON object a line, from stdin and answers each with a record on what was its
stdout. Whatever a variant or a library prints goes to stderr, which the supervisor keeps as a log.
It ends when stdin does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Measure what comes in until nothing more comes."""
    answers = _take_over_stdout()
    _die_with_parent()
    _be_the_first_to_go()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what Ctrl-C means

    # Slow imports come after the above, so that no moment is without it.
    import torch

    import variants
    from bench.environment import threads
    from bench.measure import Measurer
    from reports.schema import Point

    torch.set_num_threads(threads())
    fill_heap()
    for plugin in sys.argv[1:]:
        variants.load_plugin(plugin)
    measurer = Measurer()
    answers.write("ready\n")
    for line in sys.stdin:
        job = json.loads(line)
        point = Point.model_validate(job["point"])
        if point.device != "cpu":
            torch.cuda.set_device(point.device)
        answers.write(measurer.measure(point, job["seconds"]).model_dump_json() + "\n")


def _take_over_stdout() -> TextIO:
    """A private handle on stdout; from here on everything that is printed goes to stderr."""
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "w", buffering=1, encoding="utf-8")


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _be_the_first_to_go() -> None:
    """When memory runs out, Linux should end this process and not the sweep."""
    with suppress(OSError):  # no Linux, or a container that forbids it
        Path("/proc/self/oom_score_adj").write_text("1000")


def fill_heap() -> None:
    """Have malloc hold memory for the points to come, so that the first ones do not pay for it.

    It must be plenty: an aligned block, such as torch asks for, never fits into the gap that one
    of the same size has left (glibc before 2.38), and moves on to fresh memory while there is any.
    """
    import torch

    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    torch.empty(min(1 << 30, memory // 16), dtype=torch.uint8).fill_(0)


if __name__ == "__main__":
    main()
