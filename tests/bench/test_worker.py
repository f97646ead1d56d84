from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.environment import threads, worker_environment
from bench.messages import Answer, Envelope, Finished, Job, Prepared
from bench.supervisor import Supervisor
from bench.worker import MEMORY_VARIABLE
from reports.schema import Point

Prepare = Callable[[str], Answer]
Gone = Callable[[int], bool]


def test_megabytes_of_output_do_not_disturb_the_answer(prepare: Prepare) -> None:
    assert isinstance(prepare("babbles"), Prepared)


def test_the_worker_is_the_first_to_go_when_memory_runs_out(
    prepare: Prepare, supervisor: Supervisor
) -> None:
    prepare("sound")
    assert supervisor._process is not None
    score = Path(f"/proc/{supervisor._process.pid}/oom_score_adj").read_text()
    assert int(score) == 1000


def test_a_child_that_comes_back_as_if_it_were_the_worker_answers_nothing(
    prepare: Prepare, supervisor: Supervisor
) -> None:
    assert isinstance(prepare("forks"), Prepared)
    assert isinstance(prepare("sound"), Prepared)
    # Two answers to one question would be taken for the answer to the next one.
    assert supervisor._unread == b""


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """A worker by hand: told of a memory limit, it answers one job whose plug-in looks around."""
    plugin = tmp_path_factory.mktemp("plugin") / "looks.py"
    plugin.write_text(
        "import resource, signal, sys, torch\n"
        "print('limit', resource.getrlimit(resource.RLIMIT_DATA)[0])\n"
        "print('threads', torch.get_num_threads())\n"
        "print('ctrl-c', signal.getsignal(signal.SIGINT) is signal.SIG_IGN)\n"
        "from variants import register_core\n"
        "register_core('looks')(lambda q, k, v, *, causal, chunk_size, key_padding_mask: v)\n"
    )
    values = {"variant": "full", "backend": "auto", "backend_used": "sdpa", "scope": "layer"}
    sizes = {"batch": 1, "seq_len": 8, "dim": 8, "heads": 2, "chunk_size": None, "seed": 0}
    rest = {"causal": False, "dtype": "float32", "device": "cpu", "device_name": "a CPU"}
    rest |= {"cache": "warm", "cuda_graph": False, "direction": "forward"}
    rest |= {"allocator": "kept", "wait_policy": "passive"}
    job = Job(do="finish", point=Point(**values | sizes | rest), seconds=0.1)
    return subprocess.run(
        [sys.executable, "-m", "bench.worker", str(plugin)],
        input=f"{job.model_dump_json()}\n" * 2,
        capture_output=True,
        text=True,
        env=worker_environment("kept", "passive") | {MEMORY_VARIABLE: str(5 << 30)},
        check=True,
    )


def test_it_answers_in_order_and_ends_with_its_jobs(
    limited: subprocess.CompletedProcess[str],
) -> None:
    ready, *answers = limited.stdout.splitlines()
    assert ready == "ready"
    assert [Envelope.model_validate_json(line) for line in answers] == [
        Envelope(job=number, answer=Finished()) for number in (0, 1)
    ]


def test_what_is_printed_goes_to_stderr_and_limits_are_kept(
    limited: subprocess.CompletedProcess[str],
) -> None:
    said = dict(line.split() for line in limited.stderr.splitlines() if len(line.split()) == 2)
    assert int(said["limit"]) == 5 << 30
    # Plug-ins are loaded after threads and signals are settled.
    assert int(said["threads"]) == threads()
    assert said["ctrl-c"] == "True"


PARENT = """
import sys, time
from bench.supervisor import Supervisor
from reports.schema import Point
supervisor = Supervisor([], seconds=0.1, timeout=60)
print(supervisor._start(Point.model_construct(device="cpu")).pid, flush=True)
time.sleep(600)
"""


def test_it_does_not_outlive_a_parent_that_was_killed(gone: Gone) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    assert Path(f"/proc/{worker}").exists()
    parent.kill()
    parent.communicate()
    assert gone(worker)
