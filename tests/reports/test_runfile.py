import json
import os
import subprocess
import sys

import pytest

from reports.runfile import RunFileError, RunWriter, key_on_any, read_run, read_runs
from reports.schema import SCHEMA_VERSION, Status


@pytest.fixture
def path(tmp_path, environment, record):
    """A run file of three records."""
    file = tmp_path / "run.jsonl"
    with RunWriter(file, environment()) as writer:
        for T in (256, 512, 1024):
            writer.write(record("hatrick", T, median_ms=T / 100))
    return file


def test_what_is_written_is_read_again(path, environment, record):
    run = read_run(path)
    assert run.environment == environment()
    assert run.records == [record("hatrick", T, median_ms=T / 100) for T in (256, 512, 1024)]
    assert run.damaged == []


def test_one_line_each_and_on_the_disk_before_the_writer_closes(tmp_path, environment, record):
    file = tmp_path / "new" / "run.jsonl"
    with RunWriter(file, environment()) as writer:
        assert file.read_bytes().count(b"\n") == 1
        writer.write(record(status=Status.CRASHED, reason="first line\nsecond line\u2028third"))
        assert file.read_bytes().count(b"\n") == 2
        assert read_run(file).records[0].reason == "first line\nsecond line\u2028third"


def test_an_infinite_error_survives_in_valid_json(tmp_path, environment, record):
    wrong = record(status=Status.DISAGREES, oracle_error=float("inf"))
    with RunWriter(tmp_path / "run.jsonl", environment()) as writer:
        writer.write(wrong)
    run = read_run(writer.path)
    assert run.damaged == []
    assert run.records == [wrong]
    json.loads(
        writer.path.read_text().splitlines()[1],
        parse_constant=lambda name: pytest.fail(f"{name} is no JSON"),
    )


def test_never_overwrites(path, environment):
    before = path.read_bytes()
    with pytest.raises(RunFileError, match="exists and is never overwritten"):
        RunWriter(path, environment())
    assert path.read_bytes() == before


def test_cut_at_any_byte_of_the_last_line_keeps_the_others(path, record):
    content = path.read_bytes()
    start = content[:-1].rfind(b"\n") + 1
    for end in range(start + 1, len(content) - 1):
        path.write_bytes(content[:end])
        run = read_run(path)
        assert len(run.records) == 2
        assert run.damaged == [f"run.jsonl, line 4: cut off after {end - start} bytes"]
    path.write_bytes(content[:-1])
    assert len(read_run(path).records) == 3


def test_append_moves_half_a_line_aside(path, record):
    whole = path.read_bytes()
    half = whole[:-40]
    tail = half[half.rfind(b"\n") + 1 :]
    path.write_bytes(half)
    with RunWriter.append(path) as writer:
        writer.write(record("hatrick", 1024, median_ms=10.24))
    assert path.read_bytes() == whole
    assert path.with_name("run.jsonl.damaged").read_bytes() == tail + b"\n"


def test_append_keeps_a_whole_line_that_only_lacks_its_end(path, record):
    path.write_bytes(path.read_bytes()[:-1])
    with RunWriter.append(path) as writer:
        writer.write(record("full", 256))
    run = read_run(path)
    assert [r.point.variant for r in run.records] == ["hatrick", "hatrick", "hatrick", "full"]
    assert run.damaged == []
    assert not path.with_name("run.jsonl.damaged").exists()


def test_append_to_a_whole_file_changes_nothing_of_it(path):
    before = path.read_bytes()
    RunWriter.append(path).close()
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"\xff\xfe\n"])
def test_append_refuses_what_is_no_run_file(tmp_path, content):
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(RunFileError):
        RunWriter.append(file)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{not json}", "line 3: Invalid JSON"),
        (b"\xff\xff", "line 3: Invalid JSON"),
        (b'{"type": "record"}', "line 3: key: Field required"),
        (b"\0\0\0\0", "line 3: Invalid JSON"),
        (b"[" * 200_000, "line 3: Invalid JSON"),
    ],
)
def test_a_damaged_line_in_the_middle_is_reported_and_the_rest_kept(path, line, reason):
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], line, *lines[3:]]))
    run = read_run(path)
    assert [r.point.seq_len for r in run.records] == [256, 1024]
    assert len(run.damaged) == 1
    assert reason in run.damaged[0]


def test_a_record_whose_key_does_not_fit_is_reported(path):
    text = path.read_text()
    path.write_text(text.replace('"seq_len":512', '"seq_len":513'))
    run = read_run(path)
    assert [r.point.seq_len for r in run.records] == [256, 1024]
    assert "is not the key of this point" in run.damaged[0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the file is empty"),
        ("\n\n", "first line is empty"),
        ("T,ms\n256,1.0\n", "no JSON object"),
        ("[1, 2]\n", "no JSON object"),
        ("[" * 200_000 + "\n", "no JSON object"),
        ('{"a": 1}\n', "first line is a JSON object"),
        ('{"type": "record"}\n', "first line is a record"),
        ('{"type": "environment", "schema_version": 2}\n', "line 1: run_id: Field required"),
    ],
)
def test_what_is_no_run_file_says_what_was_found_and_what_is_expected(tmp_path, content, said):
    file = tmp_path / "run.jsonl"
    file.write_text(content)
    with pytest.raises(RunFileError, match="a run file is JSON lines, the environment first") as e:
        read_run(file)
    assert said in str(e.value)
    assert str(file) in str(e.value)


def test_a_newer_schema_says_to_update(path):
    newer = f'"schema_version":{SCHEMA_VERSION + 1}'
    path.write_text(path.read_text().replace(f'"schema_version":{SCHEMA_VERSION}', newer, 1))
    with pytest.raises(RunFileError, match=r"newer version.*update hatrick-bench"):
        read_run(path)


@pytest.mark.parametrize("rest", ["", ', "run_id": "run-a", "host": "bench-1"'])
def test_an_older_schema_says_to_measure_again(path, rest):
    path.write_text(f'{{"type": "environment", "schema_version": 1{rest}}}\n')
    with pytest.raises(RunFileError) as refusal:
        read_run(path)
    assert str(refusal.value) == (
        f"{path}: written in schema 1 by an older version; this one reads schema "
        f"{SCHEMA_VERSION}: measure again"
    )


def test_the_schema_before_ceilings_is_read(path):
    text = path.read_text()
    path.write_text(text.replace(f'"schema_version":{SCHEMA_VERSION}', '"schema_version":2', 1))
    read = read_run(path)
    assert read.environment.schema_version == 2
    assert read.records
    assert read.ceilings == []


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(RunFileError, match=r"absent\.jsonl: cannot be read"):
        read_run(tmp_path / "absent.jsonl")
    with pytest.raises(RunFileError, match="cannot be read"):
        read_run(tmp_path)


def test_two_runs_joined_in_one_file_are_refused(path):
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(RunFileError, match="line 5 is a second environment"):
        read_run(path)


def test_the_last_try_of_a_point_counts(run, record):
    tries = [
        record("hatrick", 256, status=Status.TIMEOUT),
        record("full", 256),
        record("hatrick", 256, median_ms=2.0),
    ]
    latest = run(tries).latest
    assert {r.point.variant: r.status for r in latest} == {"hatrick": "ok", "full": "ok"}


def test_the_last_try_counts_on_whichever_device_it_was(run, record):
    tries = [
        record("hatrick", 256, status=Status.CRASHED, device="cuda:0"),
        record("hatrick", 256, median_ms=2.0, device="cuda:1"),
        record("hatrick", 256, median_ms=3.0, device="cpu"),
        record("hatrick", 512, status=Status.LEFT_OUT, device="cuda:0"),
    ]
    latest = [(r.point.device, r.point.seq_len, str(r.status)) for r in run(tries).latest]
    assert latest == [("cuda:1", 256, "ok"), ("cpu", 256, "ok"), ("cuda:0", 512, "left_out")]


def test_a_key_on_any_device_tells_apart_all_but_the_devices_index(record):
    first, second, other_model, cpu, longer = (
        record("hatrick", seq_len, device=device, device_name=name).point
        for seq_len, device, name in [
            (256, "cuda:0", "H200"),
            (256, "cuda:1", "H200"),
            (256, "cuda:1", "A100"),
            (256, "cpu", "H200"),
            (512, "cuda:0", "H200"),
        ]
    )
    assert first.key != second.key
    assert key_on_any(first) == key_on_any(second)
    assert len({key_on_any(each) for each in (first, other_model, cpu, longer)}) == 4


def full(*_):
    raise OSError(28, "No space left on device")


def test_what_the_disk_does_not_take_leaves_nothing_behind(path, record, monkeypatch):
    before = path.read_bytes()
    with RunWriter.append(path) as writer:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(OSError, match="No space left"):
                writer.write(record("full", 256))
        assert path.read_bytes() == before
        writer.write(record("full", 256))
    assert [r.point.variant for r in read_run(path).records] == ["hatrick"] * 3 + ["full"]


def test_a_run_file_that_could_not_be_begun_is_not_there(tmp_path, environment, monkeypatch):
    file = tmp_path / "run.jsonl"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            RunWriter(file, environment())
    assert not file.exists()
    RunWriter(file, environment()).close()


def test_a_line_is_written_whole_by_a_disk_that_takes_it_in_parts(path, record, monkeypatch):
    class Parts:
        """A file that takes seven bytes at a time."""

        def __init__(self, file):
            self._file = file

        def write(self, data):
            return self._file.write(data[:7])

        def __getattr__(self, name):
            return getattr(self._file, name)

    with RunWriter.append(path) as writer:
        monkeypatch.setattr(writer, "_file", Parts(writer._file))
        writer.write(record("full", 256))
    assert read_run(path).records[-1] == record("full", 256)


def test_a_file_has_one_writer_at_a_time(path, environment, record):
    half = path.read_bytes() + b'{"type":'
    with RunWriter.append(path):
        path.write_bytes(half)
        with pytest.raises(RunFileError, match="being written by another sweep; wait for its end"):
            RunWriter.append(path)
        assert path.read_bytes() == half  # the other one may be in the midst of that line
    RunWriter.append(path).close()
    with RunWriter(path.with_name("new.jsonl"), environment()) as writer:
        with pytest.raises(RunFileError, match="being written by another sweep"):
            RunWriter.append(writer.path)
        assert read_run(writer.path).records == []


def test_a_writer_that_was_killed_keeps_nobody_out(path):
    script = (
        "import sys, time\n"
        "from reports.runfile import RunWriter\n"
        "writer = RunWriter.append(sys.argv[1])\n"
        "print('locked', flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", script, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        with pytest.raises(RunFileError, match="another sweep"):
            RunWriter.append(path)
        other.kill()
    RunWriter.append(path).close()


def test_a_file_system_without_locks_is_written_all_the_same(path, record, monkeypatch):
    def without(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", without)
    with RunWriter.append(path) as writer:
        writer.write(record("full", 256))
    assert len(read_run(path).records) == 4


def test_read_runs_takes_a_file_several_or_a_folder_each_once(path, environment):
    other = path.with_name("other.jsonl")
    RunWriter(other, environment(run_id="run-b")).close()
    path.with_name("page.html").write_text("not a run")
    assert [run.path.name for run in read_runs(path)] == ["run.jsonl"]
    assert [run.path.name for run in read_runs([path, other])] == ["run.jsonl", "other.jsonl"]
    assert [run.path.name for run in read_runs(str(path.parent))] == ["other.jsonl", "run.jsonl"]
    assert len(read_runs([path, path.parent, other])) == 2


def test_a_folder_without_a_run_file_is_an_error(tmp_path):
    with pytest.raises(RunFileError, match="holds no run file"):
        read_runs(tmp_path)
