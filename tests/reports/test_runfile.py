import pytest

from reports.runfile import RunFileError, key_on_any, read_run, read_runs
from reports.runwriter import RunWriter
from reports.schema import SCHEMA_VERSION, Status


@pytest.fixture
def path(tmp_path, environment, record):
    """A run file of three records."""
    file = tmp_path / "run.jsonl"
    with RunWriter(file, environment()) as writer:
        for T in (256, 512, 1024):
            writer.write(record("hatrick", T, median_ms=T / 100))
    return file


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


@pytest.mark.parametrize("version", [2, 3])
def test_a_schema_before_counts_is_read(path, version):
    text = path.read_text().replace(',"counts":null', "")
    assert '"counts"' not in text
    here, there = (f'"schema_version":{number}' for number in (SCHEMA_VERSION, version))
    path.write_text(text.replace(here, there, 1))
    read = read_run(path)
    assert read.damaged == []
    assert read.environment.schema_version == version
    assert [each.counts for each in read.records] == [None] * 3
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
