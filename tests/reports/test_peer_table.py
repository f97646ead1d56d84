from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
import pytest

from reports.frame import to_frame
from reports.peer_table import peer_table
from reports.runfile import Run
from reports.schema import Record, Status

DRIFT = [1.0, 1.5, 0.7, 1.2, 0.9, 1.4, 0.8, 1.1, 1.3, 1.0]
Timed = Callable[..., Record]


@pytest.fixture
def timed(record: Callable[..., Record], visits: Callable[..., dict[str, Any]]) -> Timed:
    """A record of a latency that drifts with the whole machine."""

    def timed(variant: str, ms: float, seq_len: int = 8192, **changes: Any) -> Record:
        latency = visits(ms, DRIFT, offset=len(variant))
        changes = {"workspace": 2**20, "backend_used": "own", "chunk_size": 64} | changes
        return record(variant, seq_len, median_ms=ms, latency=latency, **changes)

    return timed


@pytest.fixture
def window(timed: Timed, record: Callable[..., Record]) -> list[Record]:
    """A run of a window with two peers, one of them slow and one that is out of memory."""
    return [
        timed("window", 10.0, backend_used="sdpa"),
        timed("window", 12.0, backend="plain", backend_used="plain"),
        timed("near", 20.0, workspace=2**22),
        timed("far", 90.0, workspace=2**23),
        record(
            "none",
            8192,
            status=Status.OUT_OF_MEMORY,
            reason="it took 1 | 2 GiB. Try less.",
            chunk_size=64,
        ),
    ]


def frame_of(run: Callable[..., Run], records: Sequence[Record]) -> pd.DataFrame:
    return to_frame([run(records)])


def rows(text: str) -> dict[str, list[str]]:
    """The cells of every row behind its first three, by the peer."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]
    return {cells[2]: cells[3:] for cells in lines}


def test_every_peer_is_a_row_with_both_latencies_their_ratio_and_the_workspace(
    window: list[Record], run: Callable[..., Run]
) -> None:
    text = peer_table(frame_of(run, window), "window")
    assert text.splitlines()[0] == (
        "| T | direction | peer | window (sdpa) | peer's latency | times as fast | workspace "
        "| workspace / peer's |"
    )
    found = rows(text)
    assert list(found) == ["window · plain", "near", "far", "none"]
    own, peer, times, workspace, share = found["near"]
    assert (own, peer, workspace, share) == ("10.0 ms", "20.0 ms", "1.00 MiB", "0.25")
    low, high = (float(end) for end in times.split("(")[1].strip(")").split("–"))
    assert 1.9 < low < 2 < high < 2.1
    assert text.splitlines()[2].startswith("| 8k | forward | ")


def test_a_peer_that_failed_is_a_row_with_its_status_and_the_first_sentence_of_the_reason(
    window: list[Record], run: Callable[..., Run]
) -> None:
    (line,) = (
        line
        for line in peer_table(frame_of(run, window), "window").splitlines()
        if "| none |" in line
    )
    assert r"| out of memory: it took 1 \| 2 GiB | – | 1.00 MiB | – |" in line


def test_a_target_stands_at_the_fastest_of_its_peers_and_nowhere_else(
    window: list[Record], run: Callable[..., Run]
) -> None:
    text = peer_table(
        frame_of(run, window), "window", "against=far,near", "forward=1.7/0.2", "forward+backward=9"
    )
    verdicts = {peer: cells[-1] for peer, cells in rows(text).items()}
    assert verdicts == {
        "near": "speed 1.7: met, workspace 0.2: missed",
        "far": "–",
        "window · plain": "–",
        "none": "–",
    }


def test_each_against_has_targets_of_its_own_and_a_backend_is_named_alone(
    window: list[Record], run: Callable[..., Run]
) -> None:
    arguments = ["against=plain", "forward=1.5", "against=far", "forward=8", "forward@4k=99"]
    verdicts = rows(peer_table(frame_of(run, window), "window", *arguments))
    assert verdicts["window · plain"][-1] == "speed 1.5: missed"
    assert verdicts["far"][-1] == "speed 8: met"
    assert verdicts["near"][-1] == "–"


def test_without_against_the_fastest_of_all_is_the_judge_and_who_failed_is_named(
    window: list[Record], run: Callable[..., Run]
) -> None:
    verdicts = rows(peer_table(frame_of(run, window), "window", "forward=1.1"))
    assert verdicts["window · plain"][-1] == "speed 1.1: met (without none)"


def test_a_target_whose_only_peer_failed_is_not_judged(
    window: list[Record], run: Callable[..., Run]
) -> None:
    verdicts = rows(peer_table(frame_of(run, window), "window", "against=none", "forward=1.1"))
    assert verdicts["none"][-1] == "speed 1.1: not judged"


def test_a_throttled_peer_is_not_the_fastest(
    window: list[Record], timed: Timed, run: Callable[..., Run]
) -> None:
    hot = timed("hot", 1.0, status=Status.THROTTLED, reason="held back by heat")
    found = rows(
        peer_table(frame_of(run, [*window, hot]), "window", "against=hot,near,far", "forward=1.1")
    )
    assert found["hot"][1:3] == ["throttled: held back by heat", "–"]
    assert found["near"][-1] == "speed 1.1: met (without hot)"


def test_ours_may_be_named_by_its_backend(window: list[Record], run: Callable[..., Run]) -> None:
    found = rows(peer_table(frame_of(run, window), "window:backend=plain"))
    assert found["near"][0] == "12.0 ms"
    assert "window · sdpa" in found


def test_where_ours_failed_the_peers_have_their_latencies_all_the_same(
    window: list[Record], record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    lost = record("window", 8192, status=Status.CRASHED, chunk_size=64)
    found = rows(
        peer_table(frame_of(run, [lost, *window[1:]]), "window", "against=near", "forward=1")
    )
    assert found["near"] == ["crashed", "20.0 ms", "–", "–", "–", "speed 1: missed"]


def test_an_option_of_ours_leaves_out_the_rows_that_have_another(
    timed: Timed, run: Callable[..., Run]
) -> None:
    records = [
        timed(name, ms * rounds, options={"rounds": rounds})
        for name, ms in (("lsh", 10.0), ("peer", 15.0))
        for rounds in (1, 4)
    ]
    found = rows(peer_table(frame_of(run, [*records, timed("other", 70.0)]), "lsh:rounds=4"))
    assert list(found) == ["peer · rounds=4", "other"]
    assert found["peer · rounds=4"][:2] == ["40.0 ms", "60.0 ms"]


def test_lengths_and_directions_have_rows_of_their_own(
    timed: Timed, run: Callable[..., Run]
) -> None:
    records = [
        timed(name, ms, seq_len, direction=direction)
        for seq_len in (8192, 1024)
        for direction in ("forward", "forward+backward")
        for name, ms in (("window", 10.0), ("near", 20.0))
    ]
    text = peer_table(frame_of(run, records), "window", "forward@8k=1")
    assert [line.strip("| ").split(" | ")[:2] for line in text.splitlines()[2:]] == [
        ["1k", "forward"],
        ["1k", "forward+backward"],
        ["8k", "forward"],
        ["8k", "forward+backward"],
    ]
    assert [line.split(" | ")[-1] for line in text.splitlines()[2:]] == [
        "– |",
        "– |",
        "speed 1: met |",
        "– |",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], r"nobody is not in this run at T = 8k, forward; it has window:backend=auto"),
        (["window", "against=nobody", "forward=1"], r"against=nobody is none of the peers of win"),
        (["window", "fast"], r"cannot read the target 'fast'"),
    ],
)
def test_a_directive_that_does_not_fit_its_run_says_so(
    window: list[Record], run: Callable[..., Run], arguments: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        peer_table(frame_of(run, window), *arguments)


def test_ours_that_is_several_rows_is_refused(timed: Timed, run: Callable[..., Run]) -> None:
    records = [timed("window", 10.0, chunk_size=chunk) for chunk in (64, 128)]
    with pytest.raises(ValueError, match=r"window is 2 rows .*window:chunk_size=64"):
        peer_table(frame_of(run, records), "window")


@pytest.mark.parametrize("change", [{"scope": "core"}, {"dtype": "bfloat16"}, {"batch": 2}])
def test_rows_that_may_not_be_compared_are_refused(
    timed: Timed, run: Callable[..., Run], change: dict[str, Any]
) -> None:
    records = [timed("window", 10.0), timed("near", 20.0, **change)]
    with pytest.raises(ValueError, match=f"may not differ in {next(iter(change))}"):
        peer_table(frame_of(run, records), "window")


def test_a_table_of_some_leaves_the_others_out(
    run: Callable[..., Run], window: list[Record]
) -> None:
    frame = frame_of(run, window)
    every, some = (peer_table(frame, "window", *arguments) for arguments in ((), ("of=near",)))
    assert "| near |" in some
    assert set(some.splitlines()) < set(every.splitlines())
    assert all("near" in line for line in some.splitlines()[2:])
