from __future__ import annotations

import math
from dataclasses import replace

import pytest

from reports.charts.tuning import chunk_axis, ratio_axis, tuning_latency
from reports.charts.tuning_trade import disagrees, tuning_trade
from reports.intervals import Ratio
from reports.models.growth import Unfit
from reports.models.optimum import Interval
from reports.race import Contender, Race
from reports.tuning.decision import Decision, Entry
from reports.tuning.model import Curve

MS = {16: 2.0, 32: 1.4, 64: 1.0, 96: 1.01, 128: 1.06, 256: 1.8}
TIES, FRESH, FRONT = (64, 96), (64, 96, 128), (16, 64, 128, 256)


def entry_of(n: int, **changes) -> Entry:
    contender = Contender(
        chunk_size=n,
        outcome="slower",
        rounds_ms=[[MS[n]]] * 3,
        workspace_bytes=2**20 + 2**12 * n,
        distance_to_full=1 - n / 1024,
    )
    ratio = Ratio(MS[n], 0.98 * MS[n], 1.03 * MS[n]) if n != 64 else Ratio(1.0, 1.0, 1.0)
    made = Entry(contender, ratio, MS[n], n in FRESH, n in TIES, n in FRONT, "")
    return replace(made, **changes)


@pytest.fixture
def decision(record) -> Decision:
    one = record(seq_len=4096, chunk_size=None)
    entries = [entry_of(n) for n in MS]
    return Decision(
        race=Race(
            point=one.point,
            contenders=[entry.contender for entry in entries],
            started_at=one.started_at,
            wall_s=1.0,
        ),
        chunk_size=64,
        fastest=64,
        ties=[96],
        entries=entries,
        checked=True,
        confirmed=True,
        curve=Curve(Interval(80, 70, 90), True, ("T·n", "T²/n"), ((5e-3, 1.0), (32.0, -1.0)), 0.1),
        cost_model_n=64,
        why="",
        prefer="latency",
        cautions=[],
        refused="",
    )


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def shapes(figure):
    return {shape.name or "band": shape for shape in figure.layout.shapes}


def test_each_chunk_size_is_drawn_as_what_became_of_it(decision):
    drawn = traces(tuning_latency(decision))
    assert {name: trace.x for name, trace in drawn.items() if name != "model"} == {
        "chosen": (64,),
        "tie": (96,),
        "slower, in a fresh process too": (128,),
        "dropped on the way": (16, 32, 256),
    }
    dropped = drawn["dropped on the way"]
    assert dropped.marker.symbol.endswith("-open")
    assert dropped.error_y.array == pytest.approx([0.03 * MS[n] for n in (16, 32, 256)])
    assert dropped.error_y.arrayminus == pytest.approx([0.02 * MS[n] for n in (16, 32, 256)])
    assert "<b>n = 256</b>: dropped" in dropped.hovertext[2]
    assert "workspace 2.00 MiB" in dropped.hovertext[2]


def test_the_band_ends_half_way_to_what_does_not_tie(decision):
    band = shapes(tuning_latency(decision))["band"]
    assert band.x0 == pytest.approx(math.sqrt(32 * 64))
    assert band.x1 == pytest.approx(math.sqrt(96 * 128))
    alone = replace(decision, entries=[replace(e, ties=False) for e in decision.entries])
    figure = tuning_latency(alone)
    assert "band" not in shapes(figure)
    assert "tie" not in figure.layout.title.subtitle.text


def test_model_and_theory_have_a_vertical_each_where_they_are_on_the_axis(decision):
    found = shapes(tuning_latency(decision))
    assert found["model's best 80"].x0 == 80
    assert found["√T 64"].x0 == 64
    far = replace(decision, curve=replace(decision.curve, best=Interval(4000, 1, 5000)))
    assert set(shapes(tuning_latency(far))) == {"band", "√T 64"}
    endless = replace(decision, curve=replace(decision.curve, best=Interval(math.inf, 1, math.inf)))
    assert set(shapes(tuning_latency(endless))) == {"band", "√T 64"}


def test_the_model_is_drawn_where_it_fits_the_ratios_best(decision):
    line = traces(tuning_latency(decision))["model"]
    assert (line.x[0], line.x[-1]) == (16, pytest.approx(256))
    raised = replace(decision.curve, parts=((5e-2, 1.0), (320.0, -1.0)), fixed=1.0)
    same = traces(tuning_latency(replace(decision, curve=raised)))["model"]
    assert same.y == pytest.approx(line.y)
    assert "model" not in traces(tuning_latency(replace(decision, curve=Unfit("x"))))


def test_an_interval_of_which_nothing_is_known_is_not_drawn(decision):
    unknown = entry_of(16, ratio=Ratio(2.0, 0.0, math.inf))
    figure = tuning_latency(replace(decision, entries=[unknown, *decision.entries[1:]]))
    assert traces(figure)["dropped on the way"].error_y.array[0] == 0
    assert figure.layout.yaxis.range[1] < 1


def test_without_a_recommendation_ratios_are_over_the_fastest(decision):
    refused = replace(decision, chunk_size=None, refused="too noisy")
    figure = tuning_latency(refused)
    assert figure.layout.yaxis.title.text == "× the fastest"
    assert "chosen" not in traces(figure)
    nothing = replace(refused, entries=[], fastest=None)
    assert tuning_latency(nothing).layout.annotations[0].text == "No chunk size was timed."
    assert tuning_trade(nothing).layout.annotations


def test_what_is_traded_has_the_front_filled_and_memory_as_size(decision):
    assert disagrees(decision)
    figure = tuning_trade(decision)
    front, others = figure.data
    assert (front.text, others.text) == (("16", "64", "128", "256"), ("32", "96"))
    assert (front.marker.symbol, others.marker.symbol) == ("circle", "circle-open")
    assert front.x == tuple(MS[n] for n in FRONT)
    assert front.y == tuple(1 - n / 1024 for n in FRONT)
    assert list(front.marker.size) == sorted(front.marker.size)
    assert len({*front.marker.color}) == 2
    assert figure.layout.yaxis.title.text == "distance to full"


def test_without_distances_memory_is_what_is_traded(decision):
    entries = [
        replace(e, contender=e.contender.model_copy(update={"distance_to_full": None}))
        for e in decision.entries
    ]
    figure = tuning_trade(replace(decision, entries=entries))
    assert figure.layout.yaxis.title.text == "workspace"
    assert figure.data[0].y == tuple(2**20 + 2**12 * n for n in FRONT)
    one = replace(decision, entries=[replace(entries[2], on_front=True)])
    assert not disagrees(one)


def test_ticks_have_room_and_the_roundest_come_first():
    axis = ratio_axis([0.99, 1.3], "×")
    assert 1 in axis["tickvals"]
    assert len(axis["tickvals"]) >= 3
    wide = ratio_axis([1.0, 400.0], "×")
    assert {1, 10, 100} <= set(wide["tickvals"])
    assert len(wide["tickvals"]) <= 11
    low, high = ratio_axis([1.0, 1.001], "×")["range"]
    assert high - low == pytest.approx(0.1, rel=0.01)
    many = [16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096]
    ticks = chunk_axis(many, [12, 5000])["tickvals"]
    assert {16, 64, 4096} <= set(ticks)
    assert 48 not in ticks
