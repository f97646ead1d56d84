from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from bench.gate.signals import TERMINATED, signals_held, sigterm_ends_orderly


def test_sigterm_is_an_exit_that_goes_through_finally_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    steps = []

    def work() -> None:
        with sigterm_ends_orderly():
            try:
                os.kill(os.getpid(), signal.SIGTERM)
                steps.append("went on")
            finally:
                steps.append("put away")

    with pytest.raises(SystemExit) as caught:
        work()
    assert caught.value.code == TERMINATED == 143
    assert steps == ["put away"]
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_handler_is_put_back_where_nothing_came() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with sigterm_ends_orderly():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_second_ctrl_c_waits_until_things_are_put_away() -> None:
    steps = []

    def put_away() -> None:
        with signals_held():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            steps.append("put away")

    with pytest.raises(KeyboardInterrupt):
        put_away()
    assert steps == ["put away"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_signal_that_was_held_acts_as_it_would_have() -> None:
    script = (
        "import signal\n"
        "from bench.gate.signals import signals_held\n"
        "with signals_held():\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    print('put away', flush=True)\n"
        "print('went on')\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "put away\n")


def test_another_thread_may_use_them_and_changes_no_handler() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def use() -> None:
        with sigterm_ends_orderly(), signals_held():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [before]
