import pytest

from reports.charts.chunked import chunked
from reports.frame import to_frame
from reports.models.chunk_law import ChunkLaw
from reports.models.growth import Unfit


def test_it_holds_the_rows_of_one_label_and_its_law(run, sweep):
    frame = to_frame([run(sweep())])
    of = chunked(frame, "hatrick")
    assert set(of.rows["label"]) == {"hatrick"}
    assert (of.texts.index == of.rows.sort_index().index).all()
    assert isinstance(of.law, ChunkLaw)
    assert [optimum.seq_len for optimum in of.optima] == [256, 512, 1024, 2048, 4096, 8192]


def test_a_point_that_two_devices_measured_is_there_once_as_the_faster(run, record):
    gpu = {"device_name": "H200", "cache": "cold", "chunk_size": 32}
    made = [
        record("lsh", device=f"cuda:{i}", median_ms=ms, **gpu) for i, ms in ((0, 4.0), (1, 3.0))
    ]
    assert chunked(to_frame([run(made)]), "lsh").rows["latency_ms"].tolist() == [3.0]


def test_too_few_points_have_no_law(run, record):
    of = chunked(to_frame([run([record("<b>")])]), "<b>")
    assert isinstance(of.law, Unfit)
    assert of.name == "&lt;b&gt;"


def test_a_label_without_chunks_is_refused(run, record):
    with pytest.raises(ValueError, match="no row of 'full' has a chunk size"):
        chunked(to_frame([run([record("full")])]), "full")


def test_different_settings_are_refused(run, record):
    with pytest.raises(ValueError, match="do not belong in one chart"):
        chunked(to_frame([run([record(), record(causal=True)])]), "hatrick")
