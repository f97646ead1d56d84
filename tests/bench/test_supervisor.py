from __future__ import annotations

import os
import signal
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import pytest

from bench import supervisor as module
from bench.gate.overlay import HARNESS, lay
from bench.messages import Answer, Failure, Finished, Prepared, Visit
from bench.supervisor import Supervisor, worker_path
from reports.schema import Point, Status

MakePoint = Callable[..., Point]
Prepare = Callable[[str], Answer]
Gone = Callable[[int], bool]


def failure(answer: Answer) -> Failure:
    assert isinstance(answer, Failure), answer
    return answer


def test_a_point_is_prepared_visited_and_finished(
    supervisor: Supervisor, make_point: MakePoint
) -> None:
    point = make_point()
    assert isinstance(supervisor.ask("prepare", point), Prepared)
    visit = supervisor.ask("visit", point)
    assert isinstance(visit, Visit)
    assert visit.samples_ms
    assert supervisor.ask("finish", point) == Finished(energy_j=None)


def test_counts_come_with_what_is_prepared(make_point: MakePoint) -> None:
    with Supervisor([], seconds=0.001, timeout=60, count=True) as supervisor:
        answer = supervisor.ask("prepare", make_point())
    assert isinstance(answer, Prepared)
    assert answer.counts is not None
    assert (answer.counts.graph_breaks, answer.counts.launches) == (0, None)


@pytest.mark.parametrize(
    ("variant", "status", "reason"),
    [
        ("raises", Status.CRASHED, "RuntimeError: no luck today"),
        ("breaks", Status.DISAGREES, "not finite"),
        ("shortens", Status.DISAGREES, "shortens must return a tensor of shape (2, 2, 24, 8)"),
    ],
)
def test_a_failure_that_the_worker_survives(
    prepare: Prepare, supervisor: Supervisor, variant: str, status: Status, reason: str
) -> None:
    prepare("sound")
    before = supervisor._process
    answer = failure(prepare(variant))
    assert answer.status is status
    assert reason in answer.reason
    assert supervisor._process is before is not None


def test_a_worker_that_ran_out_of_memory_is_replaced(
    prepare: Prepare, supervisor: Supervisor
) -> None:
    answer = failure(prepare("devours"))
    assert answer.status is Status.OUT_OF_MEMORY
    assert "memory" in answer.reason
    assert supervisor._process is None


def test_a_segmentation_fault_is_an_answer_and_the_next_point_goes_on(
    prepare: Prepare, supervisor: Supervisor, make_point: MakePoint
) -> None:
    waiting = make_point()
    supervisor.ask("prepare", waiting)
    answer = failure(prepare("segfaults"))
    assert answer.status is Status.CRASHED
    assert "SIGSEGV" in answer.reason
    # The new worker has never heard of the point and builds it again.
    assert isinstance(supervisor.ask("visit", waiting), Visit)


def test_an_exit_is_an_answer_with_the_last_words_of_the_point_and_not_of_those_before(
    prepare: Prepare,
) -> None:
    """The log is emptied between points while the worker still has it open."""
    assert isinstance(prepare("babbles"), Prepared)
    answer = failure(prepare("exits"))
    assert answer.status is Status.CRASHED
    assert answer.reason == "the worker exited with 3; it printed: last words"


def test_what_hangs_is_given_up_with_all_it_started(
    supervisor: Supervisor,
    misbehaving: Path,
    make_point: MakePoint,
    gone: Gone,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    supervisor.ask("prepare", make_point())
    monkeypatch.setattr(supervisor, "_timeout", 1.0)
    start = monotonic()
    point = make_point(variant="hangs", backend_used="own", chunk_size=8)
    answer = failure(supervisor.ask("prepare", point))
    assert answer.status is Status.TIMEOUT
    assert answer.reason == "did not give an answer within 1 s"
    assert monotonic() - start >= 1
    assert gone(int(misbehaving.with_name("child").read_text()))


FAKE = [sys.executable, "-c"]
ANSWER = '{"job":0,"answer":{"type":"finished"}}'


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, make_point: MakePoint) -> Iterator[Callable[..., Answer]]:
    """Has a few lines of Python answer one question in the place of a worker."""
    with Supervisor([], seconds=0.001, timeout=0.5) as supervisor:

        def fake(script: str, *, timeout: float = 60.0) -> Answer:
            supervisor._command = [*FAKE, f"print('ready', flush=True)\nimport time, os\n{script}"]
            monkeypatch.setattr(supervisor, "_timeout", timeout)
            return supervisor.ask("finish", make_point())

        yield fake


def test_an_answer_to_an_earlier_question_is_not_taken_for_this_one(
    fake: Callable[..., Answer],
) -> None:
    late = '{"job":7,"answer":{"type":"failure","status":"crashed","reason":"late"}}'
    assert fake(f"input(); print('{late}'); print('{ANSWER}', flush=True); input()") == Finished()


def test_an_answer_may_come_in_pieces(fake: Callable[..., Answer]) -> None:
    pieces = [ANSWER[:9], ANSWER[9:30], ANSWER[30:] + "\\n"]
    script = "".join(f"os.write(1, b'{piece}'); time.sleep(0.05);" for piece in pieces)
    assert fake(f"input(); {script} input()") == Finished()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("print('nonsense', flush=True); time.sleep(60)", "b'nonsense'"),
        ("os.write(1, b'\\xff\\xfe{}' + bytes([10])); time.sleep(60)", "xff"),
        ("\nwhile True: os.write(1, b'x' * 65536)", "b'xxxxxxxxxx"),
        ("\nwhile True: print('x' * 99)", "b'xxxxxxxxxx"),
    ],
)
def test_what_is_no_answer_ends_the_worker_that_sent_it(
    fake: Callable[..., Answer], script: str, reason: str
) -> None:
    answer = failure(fake(script))
    assert answer.status is Status.CRASHED
    assert answer.reason.startswith("something wrote to the pipe that is the worker's")
    assert reason in answer.reason
    assert len(answer.reason) < 300


def test_a_worker_that_cannot_start_says_why(fake: Callable[..., Answer]) -> None:
    answer = failure(fake("raise SystemExit('no such library')"))
    assert answer.status is Status.CRASHED
    assert answer.reason == "the worker exited with 1; it printed: no such library"


def test_a_worker_that_closed_its_answers_and_stays_is_ended(
    fake: Callable[..., Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXIT_GRACE_S", 0.1)
    answer = failure(fake("input(); os.close(1); time.sleep(60)"))
    assert answer.reason == "the worker was killed by SIGKILL"


def test_no_memory_for_a_c_library_is_out_of_memory(fake: Callable[..., Answer]) -> None:
    words = "terminate called after throwing an instance of std::bad_alloc"
    answer = failure(fake(f"input(); os.write(2, b'{words}'); os.abort()"))
    assert answer.status is Status.OUT_OF_MEMORY
    assert "SIGABRT" in answer.reason
    assert failure(fake("input(); os.abort()")).status is Status.CRASHED


@pytest.mark.parametrize(
    ("kills", "status"), [([4, 5], Status.OUT_OF_MEMORY), ([5, 5], Status.CRASHED)]
)
def test_a_kill_by_the_kernel_is_out_of_memory_and_any_other_is_not(
    fake: Callable[..., Answer],
    monkeypatch: pytest.MonkeyPatch,
    kills: list[int],
    status: Status,
) -> None:
    counts = iter(kills)
    monkeypatch.setattr(module, "_kernel_kills", lambda: next(counts))
    answer = failure(fake(f"input(); os.kill(os.getpid(), {int(signal.SIGKILL)})"))
    assert answer.status is status
    assert "kernel" in answer.reason or "SIGKILL" in answer.reason


def test_a_worker_that_is_not_fit_any_more_is_replaced(
    supervisor: Supervisor, make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervisor.ask("prepare", make_point())
    unfit = Failure(status=Status.CRASHED, reason="a kernel faulted", restart=True)
    monkeypatch.setattr(supervisor, "_exchange", lambda *_: unfit)
    assert supervisor.ask("prepare", make_point()) == unfit
    assert supervisor._process is None


def test_no_worker_outlives_its_supervisor_nor_what_left_its_group(
    tmp_path: Path, make_point: MakePoint, gone: Gone
) -> None:
    started = tmp_path / "started"
    stray = f"setsid sleep 602 & echo $! > {started}"
    with Supervisor([], seconds=0.001, timeout=60) as supervisor:
        script = f"print('ready', flush=True); import os; os.system('{stray}'); input()"
        script += f"; print('{ANSWER}', flush=True); input()"
        supervisor._command = [*FAKE, script]
        assert supervisor.ask("finish", make_point()) == Finished()
        assert supervisor._process is not None
        worker = supervisor._process.pid
        assert Path(f"/proc/{worker}").exists()
    assert gone(worker)
    assert gone(int(started.read_text()))


def test_a_supervisor_that_never_asked_ends_nothing() -> None:
    with Supervisor([], seconds=0.001, timeout=60) as supervisor:
        assert supervisor.end() == 0


def test_the_kernel_keeps_count_of_what_it_killed() -> None:
    if os.path.exists("/proc/vmstat") and b"oom_kill " in Path("/proc/vmstat").read_bytes():
        said = subprocess.run(
            ["grep", "-w", "oom_kill", "/proc/vmstat"], capture_output=True, text=True
        ).stdout
        assert module._kernel_kills() == int(said.split()[1])
    else:
        assert module._kernel_kills() == 0


ORIGINS = """
from pathlib import Path
import bench.case, hatrick.module, reports.schema, variants.full
from variants import register_core

@register_core("tells")
def tells(q, k, v, *, causal, chunk_size, key_padding_mask):
    modules = (bench.case, reports.schema, hatrick.module, variants.full)
    raise RuntimeError(" ".join(str(Path(each.__file__).resolve()) for each in modules))
"""


def test_a_worker_finds_the_folders_on_its_path_before_what_is_installed(
    tmp_path: Path, make_point: MakePoint
) -> None:
    """And the harness beside them; in an editable install, too, as this one may be."""
    overlay, plugin = tmp_path / "code", tmp_path / "tells.py"
    lay(overlay, HARNESS)
    full = overlay / "variants" / "full.py"
    full.write_text(full.read_text() + "\nFull.cost = classmethod(lambda *_, **__: Cost(7, 8))\n")
    plugin.write_text(ORIGINS)
    with Supervisor([str(plugin)], seconds=0.001, timeout=60, path=[overlay]) as supervisor:
        prepared = supervisor.ask("prepare", make_point())
        assert isinstance(prepared, Prepared)
        assert (prepared.flops, prepared.model_bytes) == (7, 8)
        point = make_point(variant="tells", backend_used="own", chunk_size=8)
        told = failure(supervisor.ask("prepare", point)).reason
    for file in (HARNESS / "bench/case.py", HARNESS / "reports/schema.py"):
        assert str(file) in told
    for file in (overlay / "hatrick/module.py", full):
        assert str(file) in told


WHERE = "import hatrick; print(hatrick.__file__)"


def test_the_path_comes_before_the_finder_of_an_editable_install(tmp_path: Path) -> None:
    editable_wheel = pytest.importorskip("setuptools.command.editable_wheel")
    for place in ("installed", "overlay"):
        (tmp_path / place / "hatrick").mkdir(parents=True)
        (tmp_path / place / "hatrick" / "__init__.py").write_text("")
    venv.create(tmp_path / "environment", with_pip=False, symlinks=True)
    (site,) = (tmp_path / "environment").glob("lib/python*/site-packages")
    mapping = {"hatrick": str(tmp_path / "installed" / "hatrick")}
    finder = editable_wheel._finder_template("finder", mapping, {})
    (site / "the_finder.py").write_text(finder)
    (site / "editable.pth").write_text("import the_finder; the_finder.install()")

    def found(path: str) -> str:
        return subprocess.run(
            [tmp_path / "environment" / "bin" / "python", "-P", "-c", WHERE],
            env={"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    assert found("") == str(tmp_path / "installed" / "hatrick" / "__init__.py")
    first = str(tmp_path / "overlay")
    assert found(worker_path([Path(first)])) == f"{first}/hatrick/__init__.py"


def test_the_users_own_path_comes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/theirs")
    assert worker_path([Path("/a"), Path("/b")]) == os.pathsep.join(
        ["/a", "/b", str(HARNESS), "/theirs"]
    )
    monkeypatch.delenv("PYTHONPATH")
    assert worker_path([]) == str(HARNESS)
