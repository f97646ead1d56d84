"""The command line as its user types it: a whole sweep with an attention of one's own, and every
mistake in the call."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app
from reports.runfile import read_run
from reports.schema import Status

HATRICK = [sys.executable, "-c", "from bench.cli import main; main()"]
MINE = """import torch
from variants import register_core
@register_core("mine", uses_chunk_size=False)
def attention(q, k, v, *, causal, chunk_size, key_padding_mask):
    return torch.softmax(q @ k.mT / q.shape[-1] ** 0.5, dim=-1) @ v
"""


def hatrick(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*HATRICK, *arguments], cwd=cwd, capture_output=True, text=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("work")
    (path / "mine.py").write_text(MINE)
    return path


@pytest.fixture(scope="module")
def swept(folder: Path) -> subprocess.CompletedProcess[str]:
    """`mine` and `full` through a whole sweep; the run file is `run.jsonl`."""
    small = ["--preset", "quick", "--device", "cpu", "--seq-len", "16,24", "--dim", "16"]
    mine = ["--plugin", "mine.py", "--variants", "mine,full", "--out", "run.jsonl"]
    return hatrick("sweep", *small, "--heads", "2", "--count", *mine, cwd=folder)


def test_a_sweep_ends_well(swept: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert swept.returncode == 0, swept.stderr
    run = read_run(folder / "run.jsonl")
    found = [(r.point.variant, r.point.seq_len) for r in run.records]
    # Points of one length take turns, and are done in any order.
    assert sorted(found[:2]) == [("full", 16), ("mine", 16)]
    assert sorted(found[2:]) == [("full", 24), ("mine", 24)]
    assert {record.status for record in run.records} == {Status.OK}
    oracles = {r.point.variant: r.agreement.oracle for r in run.records if r.agreement}
    assert oracles == {"mine": "self", "full": "independent"}


def test_every_point_is_counted(swept: subprocess.CompletedProcess[str], folder: Path) -> None:
    run = read_run(folder / "run.jsonl")
    assert run.environment.spec["count"] is True
    counts = [record.counts for record in run.records]
    assert all(each is not None and each.flops and each.operators for each in counts)
    assert [each and (each.launches, each.graph_breaks) for each in counts] == [(None, 0)] * 4


def test_it_shows_the_summary_and_where_everything_is(
    swept: subprocess.CompletedProcess[str],
) -> None:
    assert "mine" in swept.stdout
    assert "latency" in swept.stdout
    assert "Run file: run.jsonl" in swept.stdout
    assert "run.html" in swept.stdout


def test_nothing_but_progress_is_on_stderr_and_no_control_characters(
    swept: subprocess.CompletedProcess[str],
) -> None:
    lines = swept.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["1/4", "2/4", "3/4", "4/4"]
    assert "\x1b" not in swept.stderr + swept.stdout


def test_the_page_names_the_attention(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    assert swept.returncode == 0
    assert "mine" in (folder / "run.html").read_text("utf-8").split("<script>")[0]


def test_resuming_a_whole_run_measures_nothing(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    before = (folder / "run.jsonl").read_bytes()
    command = read_run(folder / "run.jsonl").environment.spec
    assert command["variants"] == ["mine", "full"]
    small = ["--preset", "quick", "--device", "cpu", "--seq-len", "16,24", "--dim", "16"]
    mine = ["--plugin", "mine.py", "--variants", "mine,full", "--out", "run.jsonl"]
    done = hatrick("sweep", *small, "--heads", "2", "--count", *mine, "--resume", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (folder / "run.jsonl").read_bytes() == before


def test_show_and_report_need_no_torch(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    script = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from bench.cli import app\n"
        "for arguments in (['--help'], ['sweep', '--help'], ['show', 'run.jsonl'],\n"
        "                  ['report', 'run.jsonl', '--out', 'again.html']):\n"
        "    result = CliRunner().invoke(app, arguments)\n"
        "    assert result.exit_code == 0, result.output\n"
        "    print(result.output)\n"
        "assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Page: again.html" in done.stdout
    assert (folder / "again.html").exists()


def test_damaged_lines_are_told(
    swept: subprocess.CompletedProcess[str], folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes((folder / "run.jsonl").read_bytes()[:-40])
    result = CliRunner().invoke(app, ["show", str(path)])
    assert result.exit_code == 0
    assert "cut.jsonl, line 6: cut off" in result.stderr


def test_variants_lists_what_there_is() -> None:
    result = CliRunner().invoke(app, ["variants", "--device", "cpu"], env={"COLUMNS": "200"})
    assert result.exit_code == 0
    for part in ("hatrick", "full", "sliding_window", "lsh", "rounds=4", "sdpa", "not here"):
        assert part in result.stdout


def test_version() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"hatrick {version('hatrick-bench')}\n")


@pytest.mark.parametrize(
    "command", [[], ["sweep"], ["show"], ["report"], ["variants"], ["selftest"]]
)
def test_help_teaches_by_example(command: list[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"])
    assert result.exit_code == 0
    assert result.stdout.count("  hatrick ") >= 2


QUICK = ["sweep", "--preset", "quick", "--device", "cpu"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["sweep", "--seq-len", "4q"], "'4q'"),
        (["sweep", "--preset", "huge"], "choose from backends, default, gate, gpu, "),
        (["sweep", "--spec", "none.toml"], "none.toml"),
        (["sweep", "--spec", "typo.toml"], "did you mean 'seq_len'?"),
        ([*QUICK, "--variants", "hattrick"], "choose from"),
        ([*QUICK, "--variants", "lsh:round=1"], "did you mean 'rounds'?"),
        ([*QUICK, "--backend", "sdqa"], "sdpa"),
        ([*QUICK, "--device", "tpu"], "auto, cpu"),
        ([*QUICK, "--dim", "65"], "dim=65"),
        ([*QUICK, "--plugin", "none.py"], "none.py"),
        ([*QUICK, "--plugin", "bad.py"], "bad.py: ZeroDivisionError"),
        ([*QUICK, "--out", "exists.jsonl"], "--resume"),
        ([*QUICK, "--out", "exists.jsonl", "--resume"], "exists.jsonl"),
        ([*QUICK, "--resume"], "no run of this very sweep"),
        (["sweep", "--seqlen", "16"], "--seqlen"),
        (["swep"], "swep"),
        (["show"], "RUN"),
        (["show", "none.jsonl"], "none.jsonl"),
        (["show", "exists.jsonl"], "exists.jsonl"),
        (["report", "none.jsonl"], "none.jsonl"),
        (["variants", "--device", "tpu"], "auto, cpu"),
        (["variants", "--plugin", "bad.py"], "bad.py"),
        (["selftest", "--device", "tpu"], "auto, cpu"),
        (["selftest", "--device", "cpu", "--out", "exists.jsonl"], "FILE.json"),
        (["selftest", "--device", "cpu", "--out", "none/self.json"], "none/self.json cannot be"),
    ],
)
def test_a_mistake_is_a_sentence_and_exit_code_2(
    arguments: list[str], part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "typo.toml").write_text("seqlen = [16]")
    (tmp_path / "bad.py").write_text("1 / 0")
    (tmp_path / "exists.jsonl").write_text("")
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert part in result.stderr
    assert "Traceback" not in result.output
    assert result.stdout == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "bad.py",
        "exists.jsonl",
        "typo.toml",
    ]


def test_a_page_that_cannot_be_written(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    out = folder / "mine.py" / "page.html"
    result = CliRunner().invoke(app, ["report", str(folder / "run.jsonl"), "--out", str(out)])
    assert result.exit_code == 2
    assert f"{out} cannot be written" in result.stderr


@pytest.mark.parametrize("out", ["run.jsonl", "page.txt"])
def test_a_report_never_replaces_a_run(
    swept: subprocess.CompletedProcess[str], folder: Path, out: str
) -> None:
    before = (folder / "run.jsonl").read_bytes()
    done = hatrick("report", "run.jsonl", "--out", out, cwd=folder)
    assert done.returncode == 2
    assert done.stderr == f"hatrick: --out names a page, FILE.html; got {out}\n"
    assert (folder / "run.jsonl").read_bytes() == before


def test_a_page_that_cannot_be_written_is_a_sentence_and_the_run_is_named(
    folder: Path,
) -> None:
    (folder / "taken.html").mkdir()
    small = ["--preset", "quick", "--device", "cpu", "--seq-len", "16", "--dim", "16"]
    done = hatrick(
        "sweep", *small, "--heads", "2", "--variants", "full", "--out", "taken.jsonl", cwd=folder
    )
    assert done.returncode == 3
    assert "Run file: taken.jsonl" in done.stdout
    assert "taken.html cannot be written (Is a directory)" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_disk_that_takes_no_more_is_exit_code_3_and_the_run_can_be_gone_on_with(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    small = ["--preset", "quick", "--device", "cpu", "--seq-len", "16", "--dim", "16"]
    small += ["--heads", "2", "--variants", "full,hatrick", "--out", "cut.jsonl"]
    room = 1000 + len((folder / "run.jsonl").read_bytes().split(b"\n")[0])
    done = subprocess.run(
        [*HATRICK, "sweep", *small],
        cwd=folder,
        capture_output=True,
        text=True,
        # As on a full disk, a write takes a part, and the next one nothing.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written any further (File too large)" in done.stderr
    assert "--resume" in done.stderr
    assert read_run(folder / "cut.jsonl").damaged == []
    again = hatrick("sweep", *small, "--resume", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert len(read_run(folder / "cut.jsonl").latest) == 2


def test_a_terminal_that_lacks_signs_gets_the_rest(
    swept: subprocess.CompletedProcess[str], folder: Path
) -> None:
    done = subprocess.run(
        [*HATRICK, "show", "run.jsonl"],
        cwd=folder,
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == 0, done.stderr
    assert b"mine" in done.stdout
