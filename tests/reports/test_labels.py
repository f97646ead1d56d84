import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.frame import to_frame
from reports.schema import Status
from reports.settings import FIELDS


def labels_of(run, *records):
    return to_frame([run(records)])["label"].tolist()


def test_the_variant_alone_where_nothing_differs(run, record):
    options = {"rounds": 4, "wrap": "flat"}
    made = [record("lsh", T, options=options) for T in (256, 512)]
    assert labels_of(run, *made, record("full")) == ["lsh", "lsh", "full"]


def test_only_the_options_that_differ(run, record):
    made = [record("lsh", options={"rounds": n, "wrap": "flat"}) for n in (1, 4)]
    assert labels_of(run, *made) == ["lsh · rounds=1", "lsh · rounds=4"]


def test_an_option_that_only_some_rows_have(run, record):
    made = [record("sliding_window", options=options) for options in ({}, {"left": 9})]
    assert labels_of(run, *made) == ["sliding_window", "sliding_window · left=9"]


def test_the_backend_where_a_variant_ran_on_several(run, record):
    made = [record("full", backend=name, backend_used=name) for name in ("plain", "sdpa")]
    assert labels_of(run, *made, record("lsh")) == ["full · plain", "full · sdpa", "lsh"]


def test_auto_is_told_from_the_same_backend_asked_for_by_name(run, record):
    made = [record("full", backend=asked, backend_used="sdpa") for asked in ("auto", "sdpa")]
    other = record("full", backend="plain", backend_used="plain")
    assert labels_of(run, *made, other) == ["full · sdpa (auto)", "full · sdpa", "full · plain"]


def test_no_backend_found_is_no_backend_of_its_own(run, record):
    failed = record("full", 512, status=Status.UNSUPPORTED, backend_used="")
    assert labels_of(run, record("full"), failed) == ["full", "full"]


POINTS = st.fixed_dictionaries(
    {
        "variant": st.sampled_from(["full", "lsh", "hatrick"]),
        "seq_len": st.sampled_from([256, 512]),
        "chunk_size": st.sampled_from([None, 32, 64]),
        "options": st.sampled_from([{}, {"rounds": 1}, {"rounds": 2}, {"rounds": 1, "seed": 3}]),
        "backend": st.sampled_from(["auto", "sdpa", "plain"]),
        "backend_used": st.sampled_from(["sdpa", "plain"]),
        "direction": st.sampled_from(["forward", "forward+backward"]),
        "causal": st.booleans(),
        "seed": st.sampled_from([0, 1]),
    }
)


@settings(max_examples=30, deadline=None)
@given(points=st.lists(POINTS, min_size=1, max_size=12))
def test_no_two_points_share_a_place_on_a_chart(points, record, run):
    """Setting, label, T and chunk size identify a point, whatever else was varied."""
    # A named backend that runs as another does not exist.
    fitting = [p for p in points if p["backend"] in ("auto", p["backend_used"])]
    frame = to_frame([run([record(**point) for point in fitting])])
    place = frame[[*FIELDS, "label", "seq_len", "chunk_size"]]
    for (_, one), (_, two) in itertools.combinations(place.iterrows(), 2):
        assert not one.equals(two)
