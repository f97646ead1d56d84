from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from reports.compare import paired
from reports.frame import to_frame
from reports.peer_targets import Target, judge, parse_targets
from reports.runfile import Run
from reports.schema import Record, Status

DRIFT = [1.0, 1.5, 0.7, 1.2, 0.9, 1.4, 0.8, 1.1, 1.3, 1.0]


@pytest.fixture
def pair(
    record: Callable[..., Record], run: Callable[..., Run], visits: Callable[..., dict[str, Any]]
) -> Callable[..., tuple[pd.Series, pd.Series]]:
    """Ours of 10 ms and 100 bytes, and a peer, both through the same drift."""

    def pair(
        peer_ms: float,
        peer_bytes: int = 200,
        *,
        noise: float = 0.01,
        rounds: int = 10,
    ) -> tuple[pd.Series, pd.Series]:
        drift = DRIFT[:rounds]
        ours = record("hatrick", workspace=100, latency=visits(10.0, drift, noise, offset=1))
        other = record("full", workspace=peer_bytes, latency=visits(peer_ms, drift, noise))
        frame = to_frame([run([ours, other])])
        return frame.iloc[0], frame.iloc[1]

    return pair


def target(speed: float, workspace: float | None = None) -> Target:
    return Target("forward", (), speed, workspace)


def test_arguments_are_read_with_lengths_workspace_and_whom_they_are_against() -> None:
    given = "forward=1.7 against=a,b:x=1 forward+backward@16k,128k=6/0.2 against=c forward=1"
    assert parse_targets(given.split()) == [
        Target("forward", (), 1.7, None, ()),
        Target("forward+backward", ("16k", "128k"), 6.0, 0.2, ("a", "b:x=1")),
        Target("forward", (), 1.0, None, ("c",)),
    ]


@pytest.mark.parametrize("argument", ["backward=2", "forward", "forward=fast", "forward=1/", "a=1"])
def test_what_is_no_target_is_refused_with_what_is_one(argument: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read the target .*DIRECTION"):
        parse_targets([argument])


def test_a_target_asks_at_its_lengths_and_in_its_direction_alone() -> None:
    asked = Target("forward", ("16k",), 1.0, None)
    assert asked.asks(16384, "forward")
    assert not asked.asks(8192, "forward")
    assert not asked.asks(16384, "forward+backward")
    assert target(1.0).asks(8192, "forward")


def test_a_ratio_well_above_the_target_meets_it_and_one_well_below_misses_it(
    pair: Callable[..., tuple[pd.Series, pd.Series]],
) -> None:
    own, peer = pair(20.0)
    assert judge(target(1.8), own, peer) == "speed 1.8: met"
    assert judge(target(2.2), own, peer) == "speed 2.2: missed"


@pytest.mark.parametrize(("end", "words"), [("low", "met"), ("high", "missed")])
def test_a_target_within_the_interval_is_not_clear(
    pair: Callable[..., tuple[pd.Series, pd.Series]], end: str, words: str
) -> None:
    own, peer = pair(20.0, noise=0.05)
    ratio = paired(own, peer)
    assert ratio is not None
    speed = round((ratio.ratio + getattr(ratio, end)) / 2, 3)
    assert judge(target(speed), own, peer) == f"speed {speed}: {words} (not clear)"


@pytest.mark.parametrize(("peer_bytes", "words"), [(200, "met"), (199, "missed")])
def test_the_workspace_is_judged_to_the_byte(
    pair: Callable[..., tuple[pd.Series, pd.Series]], peer_bytes: int, words: str
) -> None:
    own, peer = pair(20.0, peer_bytes)
    assert judge(target(1.8, 0.5), own, peer) == f"speed 1.8: met, workspace 0.5: {words}"


def test_too_few_rounds_in_common_are_no_verdict_on_speed(
    pair: Callable[..., tuple[pd.Series, pd.Series]],
) -> None:
    own, peer = pair(20.0, rounds=4)
    assert judge(target(1.8, 0.5), own, peer) == "speed 1.8: not judged, workspace 0.5: met"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.OUT_OF_MEMORY, "missed"),
        (Status.DISAGREES, "missed"),
        (Status.LEFT_OUT, "not judged"),
        (Status.THROTTLED, "not judged"),
    ],
)
def test_ours_that_failed_misses_the_target_and_ours_that_was_not_tried_does_not(
    record: Callable[..., Record], run: Callable[..., Run], status: Status, words: str
) -> None:
    frame = to_frame([run([record("hatrick", status=status), record("full")])])
    assert judge(target(1.8, 0.5), frame.iloc[0], frame.iloc[1]) == f"speed 1.8: {words}"


def test_a_peer_that_failed_is_no_verdict(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    for own in (Status.OK, Status.CRASHED):
        records = [record("hatrick", status=own), record("full", status=Status.OUT_OF_MEMORY)]
        frame = to_frame([run(records)])
        assert judge(target(1.8), frame.iloc[0], frame.iloc[1]) == "speed 1.8: not judged"
