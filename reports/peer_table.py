"""One attention of a run against each of the others, with the targets it is meant to reach.

    <!-- peers: RUN OURS [TARGET ...] [-- COMMAND] -->

* OURS, and every NAME below, is an entry as in `--variants` (`reports.entries`): `hatrick`,
  `hatrick:backend=plain`, `lsh:rounds=4`. An option in OURS is the whole table's: a row that has it
  with another value is left out, so that four rounds meet four rounds.
* TARGET is `DIRECTION[@LENGTH,...]=SPEED[/WORKSPACE]`: OURS is to be at least SPEED times as fast
  as the fastest of the peers, and to take at most WORKSPACE of its workspace. With `@16k,128k` it
  is a target at these lengths alone.
* `against=NAME,...` says which peers the targets after it are held against; those before it, all.
  A NAME may be a backend alone where it is one of OURS's variant: `against=sdpa,flex`.

* `of=VARIANT,...` leaves all others out of the table.

Peers that no target is held against have rows all the same, and so have those that failed, with
the reason. A verdict names the peers that had no latency to be judged by. `python -m
reports.peer_table RUN OURS [TARGET ...]` prints the table.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

import pandas as pd

from reports import entries, settings, units
from reports.compare import paired
from reports.frame import load
from reports.markdown import table
from reports.peer_targets import Target, judge, parse_targets
from reports.schema import Status
from reports.statuses import outcome

NONE = "–"
WORDS = ("direction", "peer", "peer's latency", "target")
"""The columns that hold words, or may."""


def peer_table(frame: pd.DataFrame, ours: str, *arguments: str) -> str:
    """The table as Markdown: of every length and direction a row for each peer.

    Args:
        frame: of `reports.load`, of one run.
        ours: an entry that is one row at every length and direction.
        arguments: targets and `against=`, as above.

    Raises:
        ValueError: `ours` is no row, or several; rows that may not be compared; an argument that
            cannot be read, or names no peer.
    """
    only = [name for a in arguments if a.startswith("of=") for name in a[3:].split(",")]
    targets = parse_targets([a for a in arguments if not a.startswith("of=")])
    _require_comparable(frame)
    frame = entries.with_options_of(frame, ours)
    lines = []
    used: dict[str, None] = {}
    for (seq_len, direction), rows in frame.groupby(["seq_len", "direction"], sort=True):
        own = _the_one(rows, ours)
        used[own["backend_used"]] = None
        # The fastest first; those without a latency last.
        peers = rows.drop(index=own.name).sort_values(["latency_ms", "label"])
        peers = peers[peers["variant"].isin(only or peers["variant"])]
        asked = [target for target in targets if target.asks(seq_len, direction)]
        verdicts = judge_all(own, peers, asked)
        for index, peer in peers.iterrows():
            cells = [units.tokens(seq_len), direction, _name(peer), *figures(own, peer)]
            lines.append([*cells, verdicts.get(index, NONE)] if targets else cells)
    headers = ["T", "direction", "peer", f"{ours} ({', '.join(filter(None, used))})"]
    headers += ["peer's latency", "times as fast", "workspace", "workspace / peer's"]
    return table([*headers, *(["target"] if targets else [])], lines, words=WORDS)


def figures(own: pd.Series, peer: pd.Series) -> list[str]:
    """Both latencies, how many times as fast ours is with the 95% interval, our workspace, and our
    workspace over the peer's; in place of a latency that there is not, the status, and the peer's
    reason."""
    workspace = units.size(own["workspace_bytes"]) if _is_ok(own) else NONE
    if not (_is_ok(own) and _is_ok(peer)):
        reason = "" if _is_ok(peer) else f": {_first_sentence(peer['reason'])}"
        return [_latency(own), _latency(peer) + reason, NONE, workspace, NONE]
    ratio, theirs = paired(own, peer), peer["workspace_bytes"]
    times = (
        "too few rounds in common"
        if ratio is None
        else f"{units.factor(ratio.ratio)} {units.span(ratio.low, ratio.high)}"
    )
    share = f"{own['workspace_bytes'] / theirs:.2f}" if theirs else NONE
    return [_latency(own), _latency(peer), times, workspace, share]


def judge_all(own: pd.Series, peers: pd.DataFrame, targets: Sequence[Target]) -> dict[int, str]:
    """The verdicts, by the index of the peer they are held against: the fastest of those allowed.

    Args:
        peers: the fastest first, those without a latency last.

    Raises:
        ValueError: a target is held against none of the peers.
    """
    verdicts: dict[int, list[str]] = {}
    for target in targets:
        allowed = peers[[_is_among(peer, own, target.against) for _, peer in peers.iterrows()]]
        if allowed.empty:
            raise ValueError(
                f"against={','.join(target.against)} is none of the peers of {own['label']} at "
                f"T = {units.tokens(own['seq_len'])}: {', '.join(map(_entry, _rows(peers)))}"
            )
        # A throttled one has a latency, and it may be the lowest, but it is no measure.
        ok = allowed[allowed["status"] == Status.OK]
        best = (allowed if ok.empty else ok).iloc[0]
        missing = [_name(peer) for peer in _rows(allowed) if not _is_ok(peer)]
        without = f" (without {', '.join(missing)})" if missing and not ok.empty else ""
        verdicts.setdefault(best.name, []).append(judge(target, own, best) + without)
    return {index: "; ".join(words) for index, words in verdicts.items()}


def _rows(frame: pd.DataFrame) -> list[pd.Series]:
    return [row for _, row in frame.iterrows()]


def _is_ok(row: pd.Series) -> bool:
    return bool(row["status"] == Status.OK)


def _latency(row: pd.Series) -> str:
    if _is_ok(row):
        return units.duration(row["latency_ms"])
    return outcome(row["status"], row["predicted"])


def _name(row: pd.Series) -> str:
    """A row's label, and the backend where it was asked for by name and the label leaves it out."""
    label, backend = row["label"], row["backend"]
    is_said = backend == "auto" or backend in label.split(" · ")
    return str(label if is_said else f"{label} · {backend}")


def _entry(row: pd.Series) -> str:
    return f"{row['variant']}:backend={row['backend']}"


def _first_sentence(reason: str) -> str:
    return re.split(r"(?<=[.;])\s", reason, maxsplit=1)[0].rstrip(".;")


def _is_among(peer: pd.Series, own: pd.Series, names: Sequence[str]) -> bool:
    """Whether a peer is one of these entries, or of these backends of our own variant."""
    if not names or any(entries.matches(peer, name) for name in names):
        return True
    return bool(peer["variant"] == own["variant"] and peer["backend"] in names)


def _the_one(rows: pd.DataFrame, ours: str) -> pd.Series:
    """The row of an entry; it must be one."""
    own = [row for row in _rows(rows) if entries.matches(row, ours)]
    if len(own) == 1:
        return own[0]
    where = f"T = {units.tokens(rows['seq_len'].iloc[0])}, {rows['direction'].iloc[0]}"
    if not own:
        known = ", ".join(map(_entry, _rows(rows)))
        raise ValueError(f"{ours} is not in this run at {where}; it has {known}")
    raise ValueError(
        f"{ours} is {len(own)} rows at {where}; name an option that tells them apart, such as "
        f"{ours}:chunk_size=64"
    )


def _require_comparable(frame: pd.DataFrame) -> None:
    """Directions have rows of their own; all else that may not share a curve must be equal."""
    fields = [name for name in settings.FIELDS if name != "direction"]
    if differing := [name for name in fields if frame[name].nunique() > 1]:
        raise ValueError(
            f"the rows of a peers' table may not differ in {', '.join(differing)}; give a run with "
            "one value of each"
        )


if __name__ == "__main__":
    run, *arguments = sys.argv[1:]
    print(peer_table(load(run), *arguments), end="\n\n")
