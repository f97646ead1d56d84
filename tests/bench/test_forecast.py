from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import torch

import variants
from bench.budget import choose
from bench.case import build
from bench.forecast import Forecast
from bench.points import attention_config
from bench.probes.memory import measure_memory
from reports.figures import Agreement, Latency, Memory
from reports.schema import Point, Record, Status

MakePoint = Callable[..., Point]
GIB = 2**30


def ok(point: Point, *, wall_s: float, call_ms: float = 1.0, workspace: int = 1) -> Record:
    times: dict[str, Any] = dict.fromkeys(
        ("median_ms", "q1_ms", "q3_ms", "low_ms", "high_ms", "first_call_ms"), call_ms
    )
    once = dict.fromkeys(("build_ms", "compile_ms", "mask_ms", "warmup_ms"), 0.0)
    rest: dict[str, Any] = {"target": 0.01, "stopped_by": "time", "stationary": True}
    latency = Latency(
        samples_ms=[call_ms], visits=[1], rounds=[0], warmup_calls=2, **times, **once, **rest
    )
    sizes = dict.fromkeys(("input_bytes", "output_bytes", "parameter_bytes", "retained_bytes"), 0)
    memory = Memory(workspace_bytes=workspace, source="cpu allocator events", **sizes)
    agreement = Agreement(
        oracle_error=0,
        oracle_bound=1,
        oracle_max_error=0,
        oracle_max_bound=1,
        oracle_rows=1,
        oracle="independent",
        distance_to_full=None,
        cosine_to_full=None,
    )
    return Record(
        key=point.key,
        point=point,
        status=Status.OK,
        latency=latency,
        memory=memory,
        agreement=agreement,
        started_at=datetime.now(UTC),
        wall_s=wall_s,
    )


def failed(point: Point, status: Status, wall_s: float, *, predicted: bool = False) -> Record:
    return Record(
        key=point.key,
        point=point,
        status=status,
        reason="a reason",
        predicted=predicted,
        started_at=datetime.now(UTC),
        wall_s=wall_s,
    )


def hatrick(make_point: MakePoint, **changes: Any) -> Point:
    return make_point(**{"variant": "hatrick", "chunk_size": 8} | changes)


def test_before_anything_is_learnt_time_grows_with_work_and_shrinks_with_the_rate(
    make_point: MakePoint,
) -> None:
    short, long = make_point(dim=512), make_point(dim=512, seq_len=65536)
    slow, fast = (Forecast(seconds=1.0, rates={"float32": rate}) for rate in (1e10, 1e13))
    assert slow.seconds(long) > 100 * slow.seconds(short)
    assert slow.seconds(long) > 100 * fast.seconds(long)
    assert slow.seconds_left([short, long]) is None


def test_a_point_without_work_takes_no_longer_than_its_samples_and_a_second(
    make_point: MakePoint,
) -> None:
    forecast = Forecast(seconds=0.3)
    assert 0.1 < forecast.seconds(make_point()) < 1.5


def test_the_nearest_evidence_wins(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    same, family, other = make_point(), make_point(batch=3), hatrick(make_point)

    def learn(point: Point, wall_s: float) -> None:
        for seq_len in (25, 26, 27):
            again = point.model_copy(update={"seq_len": seq_len})
            forecast.learn(ok(again, wall_s=wall_s))

    assert forecast.seconds(other) < 3
    learn(other, 70.0)
    for point in (same, family, other):
        assert forecast.seconds(point) == pytest.approx(70, rel=0.01)
    learn(family, 30.0)
    assert forecast.seconds(same) == pytest.approx(30, rel=0.01)
    learn(same, 8.0)
    assert forecast.seconds(same) == pytest.approx(8, rel=0.01)
    assert forecast.seconds(family) == pytest.approx(30, rel=0.01)
    assert forecast.seconds(other) == pytest.approx(70, rel=0.01)
    assert forecast.seconds_left([same, other]) == pytest.approx(78, rel=0.01)


def test_one_point_that_waited_for_its_worker_makes_no_rule(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    for variant, wall_s in (("lsh", 2.0), ("sliding_window", 2.0), ("hatrick", 10.0)):
        forecast.learn(ok(hatrick(make_point, variant=variant), wall_s=wall_s))
    assert forecast.seconds(hatrick(make_point, seq_len=48)) == pytest.approx(2, rel=0.01)


def test_a_slow_call_makes_longer_points_of_its_curve_slower(make_point: MakePoint) -> None:
    """Sixteen times the FLOPs, and as many calls."""
    forecast = Forecast(seconds=1.0, rates={"float32": 1e9})
    points = [make_point(seq_len=seq_len, dim=64) for seq_len in (32768, 131072)]
    assert forecast.seconds(points[0]) > 60
    forecast.learn(ok(points[0], wall_s=25.0, call_ms=1500.0))
    assert 15 * 25 < forecast.seconds(points[1]) < 17 * 25


def test_another_device_of_the_same_model_is_the_same_curve(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    forecast.learn(ok(make_point(device="cuda:1", seq_len=16), wall_s=9.0))
    assert forecast.lengths(make_point(device="cuda:0")) == {16}
    assert forecast.lengths(make_point(device="cuda:0", batch=3)) == frozenset()


def test_a_curve_that_failed_takes_as_long_to_fail_again(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    short, middle, long = (make_point(seq_len=seq_len) for seq_len in (16, 32, 64))
    forecast.learn(failed(middle, Status.TIMEOUT, 120.0))
    assert forecast.seconds(long) == 120.0
    assert forecast.seconds(short) < 3
    assert forecast.seconds_left([middle]) == 120.0


@pytest.mark.parametrize("status", [Status.UNSUPPORTED, Status.LEFT_OUT])
def test_what_was_never_tried_teaches_nothing(make_point: MakePoint, status: Status) -> None:
    forecast = Forecast(seconds=1.0)
    forecast.learn(failed(make_point(), status, 0.0))
    forecast.learn(failed(make_point(), Status.OUT_OF_MEMORY, 0.0, predicted=True))
    assert forecast.seconds_left([make_point()]) is None
    assert not forecast.has_learnt
    assert forecast.out_of_memory(make_point(seq_len=32), GIB) == ""


def test_a_plug_in_without_a_cost_model_is_taken_for_full_attention(
    clean_registry: None, make_point: MakePoint
) -> None:
    variants.register_core("unknown_cost")(
        lambda q, k, v, *, causal, chunk_size, key_padding_mask: v
    )
    forecast = Forecast(seconds=1.0, rates={"float32": 1e9})
    shape = {"seq_len": 8192, "dim": 64}
    plugin = make_point(variant="unknown_cost", chunk_size=8, backend_used="own", **shape)
    assert forecast.seconds(plugin) == forecast.seconds(make_point(**shape))
    assert forecast.workspace(plugin) == 4 * 2 * 8192 * 64 * 4  # query, key, value, output


def test_a_variant_whose_models_raise_is_predicted_all_the_same(
    make_point: MakePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_luck(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no luck today")

    monkeypatch.setattr(variants.get("hatrick"), "cost", no_luck)
    monkeypatch.setattr(variants.get("hatrick"), "least_workspace", no_luck)
    forecast = Forecast(seconds=1.0)
    assert forecast.seconds(hatrick(make_point)) == forecast.seconds(make_point())
    assert forecast.workspace(hatrick(make_point)) == 0


def test_the_workspace_goes_on_as_it_grew(make_point: MakePoint) -> None:
    def after(*measured: tuple[int, int]) -> int:
        forecast = Forecast(seconds=1.0)
        for seq_len, workspace in measured:
            forecast.learn(ok(make_point(seq_len=seq_len), wall_s=1.0, workspace=workspace))
        return forecast.workspace(make_point(seq_len=4096))

    bound = variants.get("full").least_workspace(
        attention_config(make_point()), 2, 4096, "forward", backend="sdpa"
    )
    assert after() == bound == 4 * 2 * 4096 * 16 * 4
    big = 2**30
    assert after((2048, big)) == 2 * big
    assert after((1024, big), (2048, 2 * big)) == pytest.approx(4 * big)
    assert after((512, 1), (1024, big), (2048, 4 * big)) == pytest.approx(16 * big)
    assert after((1024, big), (2048, 100 * big)) == pytest.approx(400 * big)  # no more than T²
    assert after((1024, big), (2048, big // 2)) == big // 2  # and no less than it was
    assert after((8192, big)) == bound  # what is longer says nothing


def test_out_of_memory_by_the_bound(make_point: MakePoint) -> None:
    """The scores before and after the softmax: 2 · 4 heads · 2¹⁷ · 2¹⁷ · 2 bytes = 256 GiB."""
    point = make_point(
        backend_used="plain", seq_len=2**17, batch=1, heads=4, dim=256, dtype="bfloat16"
    )
    reason = Forecast(seconds=1.0).out_of_memory(point, 139 * GIB)
    assert "workspace of at least 256 GiB" in reason
    assert "the device has 139 GiB" in reason
    assert Forecast(seconds=1.0).out_of_memory(point, 300 * GIB) == ""


def test_inputs_and_parameters_count_too(make_point: MakePoint) -> None:
    point = make_point(direction="forward+backward")
    case = build(point)
    assert case.upstream is not None
    resident = [*case.inputs, case.upstream, *case.parameters]
    forecast = Forecast(seconds=1.0)
    needs = forecast.workspace(point) + sum(tensor.nbytes for tensor in resident)
    assert forecast.out_of_memory(point, needs) == ""
    assert forecast.out_of_memory(point, needs - 1) != ""


def test_an_extrapolation_must_exceed_the_memory_by_a_fifth(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    for seq_len, workspace in ((1024, GIB), (2048, 4 * GIB)):
        forecast.learn(ok(make_point(seq_len=seq_len), wall_s=1.0, workspace=workspace))
    longer = make_point(seq_len=4096)
    assert forecast.out_of_memory(longer, 14 * GIB) == ""
    reason = forecast.out_of_memory(longer, 13 * GIB)
    assert "workspace of 16 GiB, continued from T ≤ 2048" in reason


def test_what_ran_out_of_memory_does_so_at_greater_length(make_point: MakePoint) -> None:
    forecast = Forecast(seconds=1.0)
    forecast.learn(failed(make_point(seq_len=2048), Status.OUT_OF_MEMORY, 1.0))
    forecast.learn(failed(make_point(seq_len=1024), Status.OUT_OF_MEMORY, 1.0))
    assert "at T = 1024 already" in forecast.out_of_memory(make_point(seq_len=1536), 2**50)
    assert forecast.out_of_memory(make_point(seq_len=512), 2**50) == ""
    assert forecast.out_of_memory(make_point(seq_len=4096, batch=1), 2**50) == ""


@pytest.mark.parametrize("scope", ["layer", "core"])
@pytest.mark.parametrize("direction", ["forward", "forward+backward"])
@pytest.mark.parametrize(
    ("variant", "backend"),
    [(v, b) for v in ("full", "hatrick", "lsh", "sliding_window") for b in ("sdpa", "plain")],
)
def test_the_bound_is_below_what_is_measured_and_not_by_much(
    make_point: MakePoint, variant: str, backend: str, direction: str, scope: str
) -> None:
    if scope == "core" and not variants.get(variant).core_tensors:
        pytest.skip("no core")
    options = variants.parse_options(variant, {}).model_dump(mode="json", exclude_none=True)
    shapes = [
        (7, 4, False, "float32"),
        (100, 160, True, "bfloat16"),
        (640, 96, False, "float32"),
    ]
    for seq_len, chunk_size, causal, dtype in shapes:
        point = make_point(
            variant=variant,
            options=options,
            backend_used=backend,
            direction=direction,
            scope=scope,
            seq_len=seq_len,
            chunk_size=None if variant == "full" else chunk_size,
            causal=causal,
            dtype=dtype,
            dim=32,
        )
        case = build(point)
        with torch.set_grad_enabled(case.upstream is not None):
            case()
            measured = measure_memory(case)
        bound = Forecast(seconds=1.0).workspace(point)
        assert bound <= measured.workspace_bytes, point
        if seq_len == 640:  # of shorter ones, much is what does not grow with the length
            assert bound >= 0.3 * measured.workspace_bytes, point
        if scope == "layer":
            count = variants.get(variant).parameter_count(attention_config(point))
            assert count * case.inputs[0].element_size() == measured.parameter_bytes


def test_a_sweep_that_fits_is_chosen_whole(make_point: MakePoint) -> None:
    points = [make_point(seq_len=seq_len) for seq_len in (16, 32, 64)]
    forecast = Forecast(seconds=0.1)
    assert choose(points, forecast, 60.0) == (points, [])
