import pytest

from reports.frame import to_frame
from reports.models.findings import findings
from reports.schema import Status

CHARTS = {"scaling", "memory", "chunks", "roofline", "agreement", "failures"}


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep())])


def texts(frame, most=3):
    return [found.text for found in findings(frame, most)]


def test_three_of_different_charts_or_kinds_that_name_the_device_first(frame):
    found = findings(frame)
    assert len(found) == 3
    assert found[0].text.startswith("Example CPU 9000: ")
    assert all(not one.text.startswith("Example") for one in found[1:])
    assert {one.chart for one in found} <= CHARTS
    assert len({one.text for one in found}) == 3


def test_the_first_is_hatrick_against_full(frame):
    first = findings(frame)[0]
    assert "hatrick" in first.text
    assert "full" in first.text
    assert set(first.state["variant"]) == {"hatrick", "full"}


def test_more_are_there_when_asked_for_and_never_too_many(frame):
    many = findings(frame, 20)
    assert 3 < len(many) < 20
    assert findings(frame, 1) == many[:1]


def test_without_full_the_first_is_about_the_next(run, sweep):
    made = [made for made in sweep() if made.point.variant in ("hatrick", "lsh")]
    first = texts(to_frame([run(made)]))[0]
    assert "lsh" in first
    assert "hatrick" in first


def test_without_hatrick_it_speaks_of_what_is_there(run, sweep):
    made = [made for made in sweep() if made.point.variant not in ("hatrick", "lsh")]
    said = texts(to_frame([run(made)]))
    assert "sliding_window" in said[0]
    assert not any("hatrick" in text for text in said)


def test_several_settings_are_named_and_the_state_shows_the_one(run, sweep):
    made = [*sweep(), *sweep(direction="forward+backward")]
    found = findings(to_frame([run(made)]))
    assert found[0].text.startswith("Example CPU 9000, forward: ")
    assert found[0].state["direction"] == ["forward"]
    assert len(found) == 3


def test_a_kind_that_is_clear_in_the_second_setting_alone_is_said_of_it(run, record):
    made = [record("full"), record("hatrick", median_ms=1.001)]
    made += [record("full", causal=True), record("hatrick", median_ms=0.25, causal=True)]
    first = findings(to_frame([run(made)]))[0]
    assert "causal: hatrick is 4.00× as fast as full" in first.text
    assert first.state["causal"] == ["True"]


def test_nothing_measured_and_nothing_ok(run, record):
    (none,) = findings(to_frame([run([])]))
    assert none.text == "No point was measured."
    made = [record("full", T, status=Status.OUT_OF_MEMORY) for T in (256, 512)]
    (failed,) = findings(to_frame([run(made)]))
    assert failed.text == (
        "Example CPU 9000: None of 2 points that were tried gave a valid latency: 2 out of memory."
    )
    assert failed.chart == "failures"


def test_points_that_were_never_tried_are_said_to_be_just_that(run, record):
    made = [record("full", status=Status.LEFT_OUT, predicted=True)]
    (only,) = findings(to_frame([run(made)]))
    assert "No point was tried" in only.text


@pytest.mark.parametrize("interval", [True, False])
def test_one_point_a_curve(run, record, interval):
    made = [record("full", interval=interval), record("hatrick", median_ms=0.5, interval=interval)]
    first = texts(to_frame([run(made)]))[0]
    assert ("2.00× as fast" in first) is interval
    assert ("too few samples" in first) is not interval


def test_figures_that_are_missing_are_no_findings(run, record):
    frame = to_frame([run([record("full"), record("hatrick"), record("lsh")])])
    for name in (
        "distance_to_full",
        "flops",
        "workspace_bytes",
        "latency_low_ms",
        "capacity_bytes",
    ):
        frame[name] = frame[name].astype("float64") * float("nan")
    assert all("nan" not in text.lower() for text in texts(frame, 20))


def test_two_devices_are_compared_by_medians_alone(run, record):
    one = run([record("hatrick", 512, median_ms=9.0)])
    other = run(
        [record("hatrick", 512, median_ms=3.0, device_name="Example GPU")],
        name="run-b",
        devices={"cuda:0": "Example GPU"},
    )
    said = texts(to_frame([one, other]), 20)
    (of_devices,) = [text for text in said if "took no turns" in text]
    assert "3.00 ms (n = 64) on Example GPU and 9.00 ms (n = 64) on Example CPU 9000" in of_devices
    assert "3.00×" in of_devices


def test_names_that_look_like_markup_are_left_as_they_are(run, record):
    made = [record("full"), record("<script>", median_ms=0.5)]
    assert "<script> is 2.00× as fast as full" in texts(to_frame([run(made)]))[0]
