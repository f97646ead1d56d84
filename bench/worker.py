"""The process that measures: `python -m bench.worker PLUGIN...`, started by the supervisor.

It reads jobs, one JSON object a line, from stdin and answers each on what was its stdout. Whatever
a variant or a library prints goes to stderr, which the supervisor keeps as a log. It ends when
stdin does.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TextIO

PR_SET_PDEATHSIG = 1
MEMORY_VARIABLE = "HATRICK_WORKER_MEMORY"
"""Bytes of memory that the worker may take; the supervisor sets it on a CPU."""


def main() -> None:
    """Measure what comes in until nothing more comes."""
    answers = _take_over_stdout()
    _die_with_parent()
    _be_the_first_to_go()
    _limit_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides what Ctrl-C means

    # Slow imports come after the above, so that no moment is without it.
    import torch

    import variants
    from bench.environment import threads
    from bench.measure import Measurer
    from bench.messages import Envelope, Job

    torch.set_num_threads(threads())
    for plugin in sys.argv[1:]:
        variants.load_plugin(plugin)
    measurer = Measurer()
    gc.freeze()  # what is imported is never garbage: each collection need not look at it
    pid = os.getpid()
    answers.write("ready\n")
    for number, line in enumerate(sys.stdin):
        job = Job.model_validate_json(line)
        if job.point.device.startswith("cuda"):
            torch.cuda.set_device(job.point.device)
        match job.do:
            case "prepare":
                answer = measurer.prepare(job.point, count=job.count)
            case "look":
                answer = measurer.look(job.point)
            case "visit":
                answer = measurer.visit(job.point, job.seconds)
            case "turn":
                answer = measurer.turn(job.point, job.workspace_bytes)
            case "finish":
                answer = measurer.finish(job.point)
        if os.getpid() != pid:
            os._exit(0)  # a child that a plug-in has forked comes back here too, as if it were us
        answers.write(Envelope(job=number, answer=answer).model_dump_json() + "\n")


def _take_over_stdout() -> TextIO:
    """A private handle on stdout; from here on everything that is printed goes to stderr. A child
    that a plug-in forks can neither answer for the worker nor take its jobs."""
    private = os.dup(1)
    os.dup2(2, 1)

    def close_in_child() -> None:
        os.close(private)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)

    os.register_at_fork(after_in_child=close_in_child)
    return os.fdopen(private, "w", buffering=1, encoding="utf-8")


def _die_with_parent() -> None:
    """Ask Linux to kill this process when its parent ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _be_the_first_to_go() -> None:
    """When memory runs out, Linux should end this process and not the sweep."""
    with suppress(OSError):  # no Linux, or a container that forbids it
        Path("/proc/self/oom_score_adj").write_text("1000")


def _limit_memory() -> None:
    """Take no more than the machine has: an allocation that fails is an answer, a machine that
    swaps or kills is none."""
    if limit := os.environ.get(MEMORY_VARIABLE):
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit), int(limit)))


if __name__ == "__main__":
    main()
