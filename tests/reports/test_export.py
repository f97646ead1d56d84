import csv
import json
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from reports import export
from reports.frame import COLUMNS, flat, to_frame
from reports.models.catalogue import TABLES
from reports.schema import Status

LISTS = {"samples_ms", "visits", "rounds"}


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep())])


def read_back(text):
    """The columns of a CSV, as text."""
    lines = list(csv.DictReader(StringIO(text)))
    return {name: [line[name] for line in lines] for name in lines[0]}


def test_csv_has_every_column_but_the_lists_and_a_line_a_point(frame):
    back = read_back(export.to_csv(frame))
    assert set(back) == set(COLUMNS) - LISTS
    assert back["key"] == frame["key"].tolist()


def test_every_number_of_the_csv_reads_back_equal(run, record):
    ugly = [0.1 + 0.2, 1 / 3, 1e-300, 123456789.123456789, 5e-324, 1.7976931348623157e308]
    made = [record("full", 256 + i, oracle_error=value) for i, value in enumerate(ugly)]
    frame = to_frame([run(made)])
    back = read_back(export.to_csv(frame))
    assert [float(text) for text in back["oracle_error"]] == ugly
    for name in flat(frame).select_dtypes("number"):
        ours = frame[name].astype("float64").to_numpy()
        theirs = [float(text or "nan") for text in back[name]]
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def test_parquet_keeps_types_and_missing_figures(run, record, tmp_path):
    made = [record("lsh", options={"rounds": 4}), record("full", status=Status.OUT_OF_MEMORY)]
    frame = to_frame([run(made)])
    path = export.write_parquet(frame, tmp_path / "new" / "run.parquet")
    back = pd.read_parquet(path)
    expected = flat(frame)
    assert list(back.columns) == list(expected.columns)
    assert json.loads(back["options"][0]) == {"rounds": 4}
    assert back["workspace_bytes"].isna().tolist() == [False, True]
    assert back["latency_ms"].isna().tolist() == [False, True]
    assert back["started_at"].tolist() == expected["started_at"].tolist()


def _fill_disk(path):
    path.write_text("half")
    raise OSError(28, "No space left on device")


def test_a_file_that_could_not_be_finished_is_not_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("before")
    with pytest.raises(OSError, match="No space"), export.replacing(path) as part:
        _fill_disk(part)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_text_replaces_what_was_there(tmp_path):
    path = tmp_path / "a" / "table.md"
    export.write_text("old", path)
    export.write_text("√T ≈ 3\n", path)
    assert path.read_text("utf-8") == "√T ≈ 3\n"


def test_markdown_opens_with_the_findings_and_has_the_tables_of_the_models(frame):
    text = export.to_markdown(frame)
    first, *_ = text.splitlines()
    assert first.startswith("* Example CPU 9000: ")
    for model in TABLES:
        shown = bool(model.part) and not model.make(frame).empty
        assert (f"### {model.heading}\n" in text) == shown
    for block in text.split("\n\n"):
        lines = [line.replace("\\|", "") for line in block.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) <= 1


def test_markdown_of_nothing_says_so(run):
    assert "No point was measured." in export.to_markdown(to_frame([run([])]))
