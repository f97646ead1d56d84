import base64
import gzip
import json

import pytest

from reports.frame import flat, to_frame
from reports.page.filters import filters
from reports.page.payload import RowSets, dumped, packed, payload
from reports.schema import Status


@pytest.fixture
def carried(run, record):
    def of(*records):
        frame = to_frame([run(records)])
        return json.loads(dumped(payload(frame, filters(frame), [], RowSets(), "page")))

    return of


def test_every_column_of_the_table_is_carried_exactly(carried, run, record):
    records = [record("full", median_ms=0.1 + 0.2), record("lsh", status=Status.CRASHED)]
    columns = carried(*records)["columns"]
    frame = flat(to_frame([run(records)]))
    assert list(columns) == list(frame)
    assert columns["latency_ms"] == [0.1 + 0.2, None]
    assert columns["chunk_size"] == [None, 64]
    assert columns["predicted"] == [False, False]
    assert columns["started_at"] == ["2025-03-04 05:06:07+00:00"] * 2


def test_what_a_browser_would_round_is_carried_as_text(carried, record):
    columns = carried(record(seed=2**62 + 1), record(seed=2, chunk_size=32))["columns"]
    assert columns["seed"] == [str(2**62 + 1), "2"]


def test_infinity_is_carried_as_text(carried, record):
    wrong = record("lsh", status=Status.DISAGREES, oracle_error=float("inf"))
    assert carried(wrong)["columns"]["oracle_error"] == ["inf"]


def test_kinds_tell_how_a_column_is_written(carried, record):
    kinds = carried(record())["kinds"]
    names = ("latency_ms", "seq_len", "stationary", "label", "options", "started_at")
    assert [kinds[name] for name in names] == ["float", "int", "bool", "text", "text", "text"]


def test_a_set_of_rows_is_kept_once():
    rowsets = RowSets()
    assert [rowsets.number(rows) for rows in ([1, 2], [3], (1, 2))] == [0, 1, 0]
    assert rowsets.sets == [(1, 2), (3,)]


def test_what_is_packed_cannot_end_its_element_and_is_always_the_same(harmful):
    assert "<" not in packed(harmful)
    assert packed(harmful) == packed(harmful)
    assert gzip.decompress(base64.b64decode(packed(harmful))).decode() == harmful
