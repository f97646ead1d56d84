import numpy as np
import pytest

from reports.frame import to_frame
from reports.models.curves import curves
from reports.schema import Status


@pytest.fixture
def frame(run, sweep):
    return to_frame([run(sweep())])


def by_name(found):
    return {(curve.label, curve.chunk): curve for curve in found}


def test_every_chunk_size_has_a_curve_and_a_variant_without_any_has_one(frame):
    found = [(curve.label, curve.chunk) for curve in curves(frame)]
    assert len(found) == len(set(found))
    assert {name for name in found if name[0] == "hatrick"} == {
        ("hatrick", n) for n in (32, 64, 128, 256)
    }
    assert [name for name in found if name[0] == "full"] == [("full", None)]


def test_lengths_ascend_and_values_are_those_of_their_rows(frame):
    for curve in curves(frame.sample(frac=1, random_state=0)):
        assert list(curve.seq_len) == sorted(set(curve.seq_len))
        assert list(frame.loc[list(curve.rows), "latency_ms"]) == list(curve.value)
        assert list(frame.loc[list(curve.rows), "seq_len"]) == list(curve.seq_len)


def test_the_best_curve_goes_through_the_fastest_chunk_size_of_every_length(frame):
    best = by_name(curves(frame, chunk="best"))
    assert ("full", None) in best
    each = [curve for curve in curves(frame) if curve.label == "hatrick"]
    lowest = np.min([curve.value for curve in each], axis=0)
    assert list(best["hatrick", "best"].value) == list(lowest)


def test_the_best_curve_of_the_workspace_is_at_the_fastest_chunk_sizes(frame):
    latency = by_name(curves(frame, chunk="best"))["hatrick", "best"]
    workspace = by_name(curves(frame, "workspace", chunk="best"))["hatrick", "best"]
    assert workspace.rows == latency.rows
    assert list(workspace.value) == list(frame.loc[list(latency.rows), "workspace_bytes"])


def test_a_latency_has_its_samples_and_a_workspace_none(run, record, visits):
    latency = visits(2.0, [1.0, 1.1])
    frame = to_frame([run([record("full", 256, latency=latency)])])
    (timed,) = curves(frame)
    assert list(timed.samples[0]) == latency["samples_ms"]
    assert timed.visits == ((3, 3),)
    assert timed.rounds == ((0, 1),)
    (counted,) = curves(frame, "workspace")
    assert len(counted.samples[0]) == 0
    assert counted.visits == ((),)


def test_only_points_that_are_ok_count(run, record):
    statuses = (Status.OK, Status.THROTTLED, Status.DISAGREES, Status.TIMEOUT)
    records = [record("full", 256 * 2**i, status=status) for i, status in enumerate(statuses)]
    (curve,) = curves(to_frame([run(records)]))
    assert list(curve.seq_len) == [256]


def test_a_label_without_a_point_that_is_ok_has_no_curve(run, record):
    frame = to_frame([run([record("full", 256, status=Status.CRASHED)])])
    assert curves(frame) == []
    assert curves(frame.iloc[:0]) == []


def test_a_call_that_takes_no_memory_has_no_place_on_a_logarithm(run, record):
    frame = to_frame([run([record("full", 256, workspace=0), record("full", 512)])])
    (curve,) = curves(frame, "workspace")
    assert list(curve.seq_len) == [512]


def test_lengths_that_ran_out_of_memory_are_censored_unless_only_predicted(run, record):
    out = {"status": Status.OUT_OF_MEMORY}
    records = [
        record("full", 256),
        record("full", 512, **out),
        record("full", 1024, **out, predicted=True),
    ]
    (curve,) = curves(to_frame([run(records)]))
    assert curve.censored == (512,)


def test_of_several_chunk_sizes_all_must_have_run_out(run, record):
    out = {"status": Status.OUT_OF_MEMORY}
    records = [
        record("lsh", 256),
        record("lsh", 512, chunk_size=32, **out),
        record("lsh", 512, chunk_size=64, status=Status.TIMEOUT),
        record("lsh", 1024, chunk_size=32, **out),
        record("lsh", 1024, chunk_size=64, **out, predicted=True),
    ]
    frame = to_frame([run(records)])
    (best,) = curves(frame, chunk="best")
    assert best.censored == (1024,)
    assert {curve.chunk: curve.censored for curve in curves(frame)} == {64: ()}


def test_several_settings_are_refused(run, record):
    frame = to_frame([run([record(dtype="float32"), record(dtype="bfloat16")])])
    with pytest.raises(ValueError, match=r"differ in dtype.*split"):
        curves(frame)


def test_lengths_that_a_refinement_added_are_left_out_of_what_was_planned(run, record):
    spec = {"seq_len": [256, 1024], "order": "interleaved", "refine": "crossovers"}
    frame = to_frame([run([record("full", T) for T in (256, 512, 1024)], spec=spec)])
    (curve,) = curves(frame)
    assert curve.refined == (False, True, False)
    assert curve.planned().seq_len.tolist() == [256, 1024]
    assert curve.planned().rows == (0, 2)
    frame = to_frame([run([record("full", T) for T in (256, 512, 1024)])])
    (curve,) = curves(frame)
    assert curve.planned() is curve
