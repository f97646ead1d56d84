from __future__ import annotations

import io

import pytest
from rich.console import Console

from reports.schema import Status
from reports.tuning.decision import decisions
from reports.tuning.document import decision_list, decision_table
from reports.tuning.table import HEADERS, rich_decisions, rows

MS = {16: 1.6, 32: 1.3, 64: 1.0, 128: 1.005, 256: 1.4}


@pytest.fixture
def tuning(tuned, race, contender):
    made = tuned({1024: MS, 4096: MS})
    last = made.races[1]
    reason = "tried to allocate 4.00 GiB"
    lost = [
        contender(512, outcome="failed", reason=reason, status=Status.OUT_OF_MEMORY),
        contender(1024, outcome="excluded", reason="its workspace is too large", miss=0.5),
    ]
    made.races[1] = race(
        [*last.contenders, *lost],
        4096,
        heats=last.heats,
        unraced=[1536],
        foreseen=[{"chunk_size": 2048, "times_the_least": 4.25}],
    )
    return made


def test_every_contender_and_what_was_not_tried_has_a_row(tuning):
    shown = {row.cells[0]: row for row in rows(decisions(tuning)[1])}
    assert list(shown) == ["16", "32", "64", "128", "256", "512", "1024", "1536", "2048"]
    assert all(len(row.cells) == len(HEADERS) for row in shown.values())
    assert shown["64"].cells[1:5] == ["1.00 ms", "1", "8", "1.25 MiB"]
    assert shown["64"].cells[5:] == ["0.938", "yes", "chosen"]
    assert shown["16"].cells[2].startswith("1.6")
    assert "(" in shown["16"].cells[2]
    states = [shown[n].state for n in ("64", "128", "16", "512", "1024", "2048")]
    assert states == ["chosen", "tie", "", "failed", "quiet", "quiet"]
    assert shown["512"].cells[1:4] == ["–", "–", "–"]
    assert shown["512"].remark == "tried to allocate 4.00 GiB"
    assert shown["1536"].remark == "beside nothing that was left in the race"
    assert shown["2048"].remark == "4.2 times the least FLOPs"


def test_a_terminal_of_80_columns_has_every_number_whole(tuning):
    stream = io.StringIO()
    Console(file=stream, width=80).print(rich_decisions(decisions(tuning)))
    text = stream.getvalue()
    assert text.count("T = 1,024: n = 64 (tie: 128)") == 1
    assert "tried to allocate 4.00 GiB" in " ".join(text.split())
    for decision in decisions(tuning):
        for row in rows(decision):
            line = next(line for line in text.splitlines() if line.split()[:1] == [row.cells[0]])
            assert row.cells[4] in line
    assert max(map(len, text.splitlines())) <= 80


def test_documents_have_the_sentences_and_the_table(tuning):
    lines = decision_list(tuning).splitlines()
    assert [line[:12] for line in lines] == ["* T = 1,024:", "* T = 4,096:"]
    table = decision_table(tuning, 4096).splitlines()
    assert table[0].startswith("| n | latency | ratio |")
    assert len(table) == 2 + 9
    with pytest.raises(ValueError, match="no race at T = 99; there was one at 1024, 4096"):
        decision_table(tuning, 99)


def test_code_in_a_refusal_stays_code(tuned):
    assert "run `hatrick tune` again" in decision_list(tuned({4096: MS}, noise=0.4))


def test_a_run_without_races_is_no_tuning(tuned):
    with pytest.raises(ValueError, match="it holds no race"):
        decision_list(tuned({}))
