import re
from html import escape

import pytest

from reports.frame import to_frame
from reports.page import sections
from reports.page.figures import all_charts
from reports.page.payload import RowSets


def parts_of(runs):
    frame = to_frame(runs)
    charts = [] if frame.empty else all_charts(frame)
    rowsets = RowSets()
    found = sections.all_parts(frame, runs, charts, rowsets)
    return {part.name: part for part in found}, rowsets


@pytest.fixture(scope="module")
def parts(everything):
    return parts_of(everything)


def test_the_parts_are_in_the_order_of_the_page(parts):
    assert list(parts[0]) == [
        "scaling",
        "chunks",
        "memory",
        "roofline",
        "agreement",
        "summary",
        "points",
        "failures",
        "damaged",
        "environment",
        "how-to-read",
    ]


def test_charts_of_chunk_sizes_stand_under_their_label(parts):
    body = parts[0]["chunks"].body
    groups = re.findall(r"<div data-figures><h3>(.*?)</h3>(.*?</figure>)</div></div>", body)
    assert [name for name, _ in groups] == [
        f"{label}, {setting}"
        for setting in ("forward, not causal", "forward+backward, causal")
        for label in ("hatrick", "sliding_window", "lsh")
    ]
    drawn = [re.findall('data-figure="([^"]+)"', group) for _, group in groups]
    assert [len(names) for names in drawn] == [3] * len(groups)
    assert len({name for names in drawn for name in names}) == body.count("<figure")
    for label, names in zip(["hatrick", "sliding-window", "lsh"] * 2, drawn, strict=True):
        assert all(name.startswith(f"chunks-{label}-") for name in names)
    assert body.count("<h4>") == body.count("<figure")


def test_an_empty_run_has_its_environment_alone(run):
    assert list(parts_of([run([])])[0]) == ["environment", "how-to-read"]


def test_a_run_without_failures_has_no_such_parts(run, record):
    found = parts_of([run([record("hatrick"), record("full")])])[0]
    assert not {"failures", "damaged"} & set(found)


def test_lengths_are_listed_with_their_verdict(run, record):
    made = [record("hatrick", median_ms=1.0), record("full", median_ms=3.0)]
    (body,) = [part.body for name, part in parts_of([run(made)])[0].items() if name == "scaling"]
    assert '<li class="faster">T 256: 3.00× faster</li>' in body


def test_what_is_about_one_setting_names_its_points(parts, everything):
    found, rowsets = parts
    frame = to_frame(everything)
    for name in ("scaling", "summary"):
        numbers = re.findall(r'<div data-any="(\d+)"><h3>([^<]+)</h3>', found[name].body)
        assert [title for _, title in numbers] == [
            "forward, not causal",
            "forward+backward, causal",
        ]
        rows = [set(rowsets.sets[int(number)]) for number, _ in numbers]
        assert rows[0] | rows[1] == set(frame.index)
        assert not rows[0] & rows[1]


def test_what_was_left_out_is_quiet_and_a_failure_is_not(parts):
    text = parts[0]["summary"].body
    rows = re.findall(r'<tr(?: class="([^"]*)")?>(?=<td)(.*?)</tr>', text)
    states = {"left out": set(), "crashed": set(), "out of memory (predicted)": set()}
    for state, cells in rows:
        for words in states.keys() & set(re.findall(r"<td[^>]*>([^<]*)</td>", cells)[3:]):
            states[words] |= set(state.split()) - {"first"}
    assert states == {
        "left out": {"quiet"},
        "crashed": {"failed"},
        "out of memory (predicted)": {"failed"},
    }


def test_a_missed_target_is_said(run, record):
    made = [record("full", spread=0.034, latency={"target": 0.01, "stopped_by": "time"})]
    text = parts_of([run(made)])[0]["summary"].body
    assert "±3.4%, target 1%: time used up</td>" in text
    assert '<p class="cautions">1 of 1 point missed the target of 1%: ±3.4% at worst.</p>' in text


def test_a_summary_that_nobody_would_read_ends_with_whole_settings(run, sweep, monkeypatch):
    monkeypatch.setattr(sections, "MOST_SUMMARY_ROWS", 20)
    records = [one for batch in (1, 2, 4) for one in sweep(lengths=(256, 512), batch=batch)]
    text = parts_of([run(records)])[0]["summary"].body
    assert re.findall("<h3>(.*?)</h3>", text) == ["batch 1", "batch 2"]
    assert "of 2 of 3 settings" in text


def test_a_failure_says_why_and_a_damaged_line_which(parts, harmful):
    assert "tried to allocate 4.00 GiB" in parts[0]["failures"].body
    assert escape(f"line 7: {harmful}") in parts[0]["damaged"].body


def test_two_runs_have_an_environment_each(run, record):
    runs = [run([record()], name="monday"), run([record()], name="friday")]
    assert parts_of(runs)[0]["environment"].body.count("<h3>To repeat it</h3>") == 2
