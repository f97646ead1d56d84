import hashlib
import json
import math

import pytest
from pydantic import ValidationError

from reports.figures import Agreement, Latency, Memory
from reports.schema import Environment, Point, Record, Status

FIGURES = ("latency", "memory", "agreement")
ALL_FIGURES = (Status.OK, Status.THROTTLED)
NO_FIGURES = [s for s in Status if s not in (*ALL_FIGURES, Status.DISAGREES)]

OTHER_VALUE = {
    "variant": "full",
    "options": {"rounds": 2},
    "backend": "plain",
    "backend_used": "plain",
    "scope": "core",
    "direction": "forward+backward",
    "batch": 2,
    "seq_len": 257,
    "dim": 128,
    "heads": 8,
    "chunk_size": 65,
    "causal": True,
    "dtype": "bfloat16",
    "device": "cuda:0",
    "device_name": "another",
    "cache": "cold",
    "cuda_graph": True,
    "allocator": "system",
    "wait_policy": "system",
    "seed": 1,
}


def changed(record, **values):
    """A record with fields replaced and validated anew."""
    return Record.model_validate({**dict(record), **values})


@pytest.mark.parametrize("status", ALL_FIGURES)
@pytest.mark.parametrize("missing", FIGURES)
def test_ok_and_throttled_need_every_figure(record, status, missing):
    with pytest.raises(ValidationError, match=f"is {status} must have {missing}"):
        changed(record(status=status), **{missing: None})


def test_a_wrong_answer_needs_its_agreement(record):
    with pytest.raises(ValidationError, match="disagrees must have agreement"):
        changed(record(status=Status.DISAGREES), agreement=None)


@pytest.mark.parametrize("figure", ["latency", "memory"])
def test_a_wrong_answer_has_no_other_figure(record, figure):
    value = getattr(record(), figure)
    with pytest.raises(ValidationError, match=f"status disagrees must not have {figure}"):
        changed(record(status=Status.DISAGREES), **{figure: value})


@pytest.mark.parametrize("status", NO_FIGURES)
@pytest.mark.parametrize("figure", FIGURES)
def test_other_failures_have_no_figure(record, status, figure):
    value = getattr(record(), figure)
    with pytest.raises(ValidationError, match=f"status {status} must not have {figure}"):
        changed(record(status=status), **{figure: value})


def test_ok_has_no_reason(record):
    with pytest.raises(ValidationError, match="a reason exactly if it is not ok"):
        changed(record(), reason="because")


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.OK])
def test_a_failure_has_a_reason(record, status):
    with pytest.raises(ValidationError, match="a reason exactly if it is not ok"):
        changed(record(status=status), reason="")


def test_the_key_must_be_that_of_the_point(record):
    with pytest.raises(ValidationError, match="is not the key of this point"):
        changed(record(), key="0" * 16)


def test_equal_points_have_equal_keys(record):
    point = record("lsh", options={"rounds": 4, "wrap": "flat"}).point
    turned = point.model_copy(update={"options": {"wrap": "flat", "rounds": 4}})
    assert turned.key == point.key
    assert Point.model_validate_json(point.model_dump_json()).key == point.key


def test_a_key_is_the_same_in_every_version(record):
    """Otherwise the run files of an earlier one could be neither resumed nor compared."""
    assert record().key == "ee2568590b8a1691"


def test_every_field_has_another_value_here():
    assert set(OTHER_VALUE) == set(Point.model_fields)


@pytest.mark.parametrize("field", OTHER_VALUE)
def test_every_field_changes_the_key(record, field):
    point = record().point
    other = Point.model_validate({**dict(point), field: OTHER_VALUE[field]})
    assert other.key != point.key


def test_no_chunk_size_is_a_value_of_its_own(record):
    assert record(chunk_size=None).key != record(chunk_size=1).key


@pytest.mark.parametrize("status", Status)
def test_a_record_survives_json(record, status):
    made = record(status=status)
    assert Record.model_validate_json(made.model_dump_json()) == made


def test_an_infinite_error_survives_json_that_others_can_read(record):
    made = record(status=Status.DISAGREES, oracle_error=math.inf)
    text = made.model_dump_json()
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    again = Record.model_validate_json(text)
    assert again == made
    assert again.agreement.oracle_error == math.inf


def test_a_record_of_a_gpu_survives_json(record, gpu):
    made = record(gpu=gpu(energy_j=None), latency={"launch_hidden": 0.5, "throttled": [1]})
    assert Record.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("figures", "precision"),
    [
        ({"low_ms": 0.9, "high_ms": 1.2}, 0.15),
        ({"low_ms": None}, None),
        ({"high_ms": None}, None),
    ],
)
def test_precision_is_half_the_interval_over_the_median(record, figures, precision):
    found = record(latency=figures).latency.precision
    assert found == (None if precision is None else pytest.approx(precision))


def test_a_median_of_zero_has_no_precision(record):
    assert record(median_ms=0.0).latency.precision is None


def test_a_key_is_the_digest_of_all_fields_as_pydantic_dumps_them(record):
    options = {"rounds": 4, "wrap": "flat", "scale": 0.5, "exact": True, "größe": "λ"}
    point = record("lsh", options=options).point
    text = json.dumps(point.model_dump(mode="json"), sort_keys=True)
    assert point.key == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_an_environment_survives_json(environment):
    noise = {
        "measured_at": "2026-01-02T03:04:05Z",
        "device_name": "H200",
        "spread": 0.02,
        "pairs": 10,
        "fit": True,
    }
    made = environment(noise=noise)
    assert Environment.model_validate_json(made.model_dump_json()) == made


@pytest.mark.parametrize(
    ("model", "figure", "change"),
    [
        (Latency, "latency", {"samples_ms": []}),
        (Latency, "latency", {"median_ms": math.nan}),
        (Latency, "latency", {"median_ms": math.inf}),
        (Latency, "latency", {"samples_ms": [-1.0]}),
        (Latency, "latency", {"warmup_calls": 0}),
        (Latency, "latency", {"visits": [2]}),
        (Latency, "latency", {"visits": [3, 0]}),
        (Latency, "latency", {"target": 0.0}),
        (Latency, "latency", {"stopped_by": "boredom"}),
        (Latency, "latency", {"launch_hidden": 1.1}),
        (Latency, "latency", {"cpu_wait": -0.1}),
        (Memory, "memory", {"retained_bytes": -1}),
        (Memory, "memory", {"workspace_bytes": -1}),
        (Memory, "memory", {"source": "guess"}),
        (Agreement, "agreement", {"oracle_error": math.nan}),
        (Agreement, "agreement", {"distance_to_full": -0.1}),
        (Agreement, "agreement", {"cosine_to_full": 1.1}),
        (Agreement, "agreement", {"oracle": "none"}),
    ],
)
def test_impossible_figures_are_refused(record, model, figure, change):
    given = dict(getattr(record(), figure))
    assert model.model_validate(given)
    with pytest.raises(ValidationError, match=next(iter(change))):
        model.model_validate(given | change)


@pytest.mark.parametrize("change", [{"seq_len": 0}, {"scope": "head"}, {"colour": "red"}])
def test_impossible_points_are_refused(record, change):
    with pytest.raises(ValidationError, match=next(iter(change))):
        Point.model_validate({**dict(record().point), **change})
