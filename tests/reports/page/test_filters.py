import re

from reports.frame import to_frame
from reports.page.filters import address, controls, filters


def by_field(frame):
    return {one.field: one for one in filters(frame)}


def test_a_field_with_one_value_is_no_filter(run, sweep):
    assert list(by_field(to_frame([run(sweep(lengths=(256, 512)))]))) == ["variant", "chunk_size"]


def test_every_row_has_the_number_of_its_value(run, record):
    made = [record("lsh", chunk_size=128), record("full"), record("lsh", chunk_size=32)]
    found = by_field(to_frame([run(made)]))
    assert found["chunk_size"].values == ("32", "128")
    assert found["chunk_size"].codes == [1, None, 0]
    assert found["variant"].values == ("full", "lsh")
    assert found["variant"].codes == [1, 0, 1]


def test_it_opens_with_one_workload_and_all_attentions(run, record):
    made = [
        record(name, direction=direction, dtype=dtype, batch=batch)
        for direction in ("forward", "forward+backward")
        for dtype in ("float32", "bfloat16")
        for batch in (4, 1)
        for name in ("hatrick", "full")
    ]
    start = {one.field: one.start for one in filters(to_frame([run(made)]))}
    assert start == {
        "variant": ("hatrick", "full"),
        "dtype": ("float32",),
        "direction": ("forward",),
        "batch": ("4",),
    }


def test_a_run_that_shares_no_workload_with_the_first_is_shown_too(run, record):
    runs = [
        run([record(), record(dtype="float64")], name="a"),
        run([record(dtype="bfloat16"), record(dtype="float64")], name="b"),
        run([record(), record(dtype="float16")], name="c"),
    ]
    found = by_field(to_frame(runs))
    # Of b there would be nothing; of c the first run's dtype is enough.
    assert found["dtype"].start == ("float32", "bfloat16")
    assert found["file"].start == found["file"].values


def test_values_are_in_words(run, record):
    runs = [run([record(causal=causal)], name=name) for causal, name in ((True, "a"), (False, "b"))]
    found = by_field(to_frame(runs))
    assert found["causal"].values == ("True", "False")
    assert found["causal"].words == ("causal", "not causal")
    assert found["file"].words == ("run a", "run b")


def test_a_point_without_a_backend_has_a_box_of_its_own(run, record):
    found = by_field(to_frame([run([record(), record("full", backend_used="")])]))
    assert found["backend_used"].values == ("sdpa", "none")


def test_boxes_are_escaped_and_checked_as_at_the_start(run, record, harmful):
    frame = to_frame([run([record(harmful), record(), record(direction="forward+backward")])])
    text = controls(filters(frame), frame)
    assert "<script>" not in text
    assert "<img" not in text
    boxes = dict(re.findall(r'data-field="direction" value="([^"]*)"( checked)?', text))
    assert boxes == {"forward": " checked", "forward+backward": ""}
    assert 'style="--chip: #d55e00"' in text


def test_without_filters_there_are_no_controls(run, record):
    frame = to_frame([run([record()])])
    assert controls(filters(frame), frame) == ""


def test_an_address_says_what_to_choose_and_where_to_look():
    state = {"variant": ["full", "a,b&c"], "direction": ["forward+backward"]}
    assert address(state, "scaling") == (
        "#variant=full,a%2Cb%26c&direction=forward%2Bbackward&at=scaling"
    )
