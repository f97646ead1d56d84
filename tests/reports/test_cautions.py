from __future__ import annotations

import pytest

from reports.cautions import cautions, missed_target, sentences
from reports.frame import to_frame
from reports.schema import Status
from reports.summary import summarise

OCCURRENCES = [
    (
        {"latency": {"target": 0.01, "stopped_by": "stable"}},
        "±2%, target 1%: stable spread, target out of reach",
        "1 of 2 points missed the target of 1%: ±2% at worst.",
    ),
    (
        {"latency": {"target": 0.01, "stopped_by": "time"}},
        "±2%, target 1%: time used up",
        "1 of 2 points missed the target of 1%: ±2% at worst.",
    ),
    (
        {"interval": False, "latency": {"target": 0.01, "stopped_by": "time"}},
        "no interval, target 1%: time used up",
        "1 of 2 points missed the target of 1%: 1 without an interval.",
    ),
    (
        {"latency": {"throttled": [0, 2]}},
        "2 of 3 samples throttled",
        "1 point had samples taken while the device held its clocks down: 2 of 3 samples.",
    ),
    (
        {"latency": {"stationary": False}},
        "warm-up did not become stationary",
        "The warm-up of 1 point did not become stationary.",
    ),
    (
        {"memory": {"retained_bytes": 2048}},
        "a call retains 2.00 KiB: a leak",
        "A call of 1 point retains memory, 2.00 KiB at most: a leak.",
    ),
    (
        {"latency": {"launch_hidden": 0.4}},
        "launch hidden in only 40% of samples",
        "The launch of 1 point was not hidden, so the latency may be Python's: hidden in 40% of "
        "samples at worst.",
    ),
    (
        {"latency": {"cpu_wait": 0.12}},
        "threads waited 12% of their time for a core",
        "The threads of 1 point waited for a core: 12% of their time at worst.",
    ),
    (
        {"latency": {"cpu_steal": 0.07}},
        "the hypervisor took 7% of the cores' time",
        "The hypervisor took the cores from 1 point: 7% of their time at worst.",
    ),
]


@pytest.mark.parametrize(("figures", "of_row", "of_all"), OCCURRENCES)
def test_each_is_said_of_its_row_and_counted_where_it_occurred(
    run, record, figures, of_row, of_all
):
    frame = to_frame([run([record("full"), record("lsh", **figures)])])
    assert cautions(frame.iloc[0]) == []
    assert cautions(frame.iloc[1]) == [of_row]
    assert sentences(frame) == [of_all]
    assert [cautions(row) for _, row in summarise(frame).iterrows()] == [[], [of_row]]


@pytest.mark.parametrize(
    "latency",
    [
        {"launch_hidden": 0.95, "cpu_wait": 0.05, "cpu_steal": 0.05},
        {"launch_hidden": None, "cpu_wait": None, "cpu_steal": None},
        {"target": 0.02, "low_ms": 0.98, "high_ms": 1.019},
    ],
)
def test_what_is_within_bounds_or_was_not_read_is_not_said(run, record, latency):
    frame = to_frame([run([record(latency=latency)])])
    assert cautions(frame.iloc[0]) == []
    assert sentences(frame) == []


def test_a_target_missed_by_less_than_its_digits_show_is_not_a_contradiction(run, record):
    (row,) = [row for _, row in to_frame([run([record(latency={"target": 0.0199})])]).iterrows()]
    assert missed_target(row) == "just over target 2%"


def test_a_row_without_a_latency_has_no_cautions(run, record):
    frame = to_frame([run([record(status=Status.TIMEOUT), record("lsh", status=Status.LEFT_OUT)])])
    assert [cautions(row) for _, row in frame.iterrows()] == [[], []]
    assert sentences(frame) == []


def test_a_throttled_row_has_cautions_but_is_not_counted(run, record):
    made = record(status=Status.THROTTLED, latency={"throttled": [0, 1, 2], "target": 0.001})
    frame = to_frame([run([made])])
    assert len(cautions(frame.iloc[0])) == 2
    assert sentences(frame) == []


def test_several_targets_and_the_worst_are_said(run, record):
    made = [
        record("full", spread=0.03, latency={"target": 0.01}),
        record("lsh", spread=0.2, latency={"target": 0.02}),
        record("mine", interval=False, latency={"target": 0.02}),
        record("hatrick"),
    ]
    assert sentences(to_frame([run(made)])) == [
        "3 of 4 points missed the targets: ±20% at worst, 1 without an interval."
    ]
