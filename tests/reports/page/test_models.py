import re

import pandas as pd
import pytest

from reports.frame import to_frame
from reports.page import models
from reports.page.payload import RowSets


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep())])


@pytest.mark.parametrize(
    ("part", "headings"),
    [
        ("scaling", ["How latency and workspace grow with T", "Where one overtakes another"]),
        ("chunks", ["The best chunk size of every T", "What a chunk size costs"]),
        ("memory", ["The longest T that fits, and twice the longest measured"]),
        ("roofline", []),
    ],
)
def test_each_part_has_its_tables(frame, part, headings):
    text = models.model_tables(frame, part, RowSets())
    assert re.findall("<h3>(.*?)</h3>", text) == headings


def test_a_column_that_says_nothing_is_left_out():
    content = pd.DataFrame(
        {
            "setting": ["", ""],
            "attention": ["full", "lsh"],
            "misses by": ["", "3%"],
            "remark": ["", ""],
            "rows": [[0], [1]],
        }
    )
    text = models._table(content, "growth", "Growth", RowSets())
    assert re.findall('<th scope="col"[^>]*>(.*?)</th>', text) == ["attention", "misses by"]


def test_every_line_names_rows_that_there_are(frame):
    rowsets = RowSets()
    text = models.model_tables(frame, "scaling", rowsets)
    numbers = {int(number) for number in re.findall(r'data-rows="(\d+)"', text)}
    assert numbers == set(range(len(rowsets.sets)))
    assert {row for rows in rowsets.sets for row in rows} <= set(frame.index)
    assert ">setting<" not in text


def test_several_settings_are_named(run, sweep):
    both = sweep(lengths=(256, 512, 1024)) + sweep(lengths=(256, 512, 1024), causal=True)
    text = models.model_tables(to_frame([run(both)]), "scaling", RowSets())
    assert '<th scope="col">setting</th>' in text
    assert "<td>causal</td>" in text


def test_of_many_settings_the_first_are_modelled_and_that_is_said(run, sweep, monkeypatch):
    records = [one for batch in (1, 2, 4) for one in sweep(lengths=(256, 512), batch=batch)]
    frame = to_frame([run(records)])
    whole, silent = models.modelled(frame)
    assert silent == ""
    pd.testing.assert_frame_equal(whole, frame)
    monkeypatch.setattr(models, "MOST_CURVES", 26)
    part, said = models.modelled(frame)
    assert sorted(part["batch"].unique()) == [1, 2]
    assert list(part.index) == [i for i in frame.index if frame["batch"][i] < 4]
    assert "of the first 2 of 3 settings" in said
    monkeypatch.setattr(models, "MOST_CURVES", 1)
    assert models.modelled(frame)[0]["batch"].unique().tolist() == [1]
