import json
import os
import subprocess
import sys

import pytest

from reports.runfile import RunFileError, read_run
from reports.runwriter import RunWriter
from reports.schema import Status


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
        "from reports.runwriter import RunWriter\n"
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
