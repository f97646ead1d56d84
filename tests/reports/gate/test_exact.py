import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.figures import Counts
from reports.gate.exact import CountName, Figures, exact_figures
from reports.gate.result import Change
from reports.schema import Status


def changes(base, head):
    return {figure.name: figure.change for figure in exact_figures(base, head)}


def test_equal_figures_are_the_same(figures):
    found = changes(figures(), figures())
    assert list(found) == [
        "status",
        "workspace",
        "FLOPs",
        "operators",
        "kernel launches",
        "graph breaks",
        "oracle error",
        "distance to full",
    ]
    # No kernel is launched on a CPU, on neither side.
    assert found.pop("kernel launches") is Change.NOT_COUNTED
    assert set(found.values()) == {Change.SAME}


@pytest.mark.parametrize("field", ["flops", "operators", "launches", "graph_breaks"])
def test_a_count_that_grew_by_one_is_worse_and_one_that_shrank_is_better(figures, field):
    few = {"flops": 10, "operators": 10, "launches": 10, "graph_breaks": 10}
    less, more = figures(counts=Counts(**few)), figures(counts=Counts(**few | {field: 11}))
    names = dict(zip(few, CountName.__args__, strict=True))
    for base, head, change in ((less, more, Change.WORSE), (more, less, Change.BETTER)):
        found = changes(base, head)
        assert {name for name in found if found[name] is change} == {names[field]}


def test_a_count_that_a_side_lacks_is_not_compared(figures):
    for base, head in ((figures(), figures(counts=None)), (figures(counts=None), figures())):
        found = changes(base, head)
        assert found["FLOPs"] is found["operators"] is Change.NOT_COUNTED
        assert found["workspace"] is Change.SAME


@pytest.mark.parametrize(
    ("source", "head", "change"),
    [
        ("cpu allocator events", 10_001, Change.WORSE),
        ("cpu allocator events", 9_999, Change.BETTER),
        ("cuda caching allocator", 10_100, Change.SAME),
        ("cuda caching allocator", 10_101, Change.WORSE),
        ("cuda caching allocator", 9_899, Change.BETTER),
    ],
)
def test_bytes_are_exact_on_a_cpu_and_within_a_hundredth_on_cuda(figures, source, head, change):
    sides = [figures(workspace_bytes=n, memory_source=source) for n in (10_000, head)]
    assert changes(*sides)["workspace"] is change


def test_a_workspace_that_base_did_not_need_is_worse(figures):
    assert changes(figures(workspace_bytes=0), figures())["workspace"] is Change.WORSE


def of(name, base, head):
    return next(figure for figure in exact_figures(base, head) if figure.name == name)


def test_a_doubled_oracle_error_within_its_bound_is_spoken_of_and_fails_nothing(figures):
    found = of("oracle error", figures(oracle_error=1e-7), figures(oracle_error=2.1e-7))
    assert found.change is Change.SAME
    assert found.remark == "it more than doubled, and is within its bound"
    assert found.tolerance == "its bound, 4.6e-07"
    quiet = of("oracle error", figures(oracle_error=1e-7), figures(oracle_error=2e-7))
    assert quiet.remark == ""


def test_a_bound_that_was_loosened_is_told(figures):
    found = of("oracle error", figures(oracle_bound=1e-7), figures(oracle_bound=1e-3))
    assert found.remark == "the bound itself was 1.0e-07 and is 1.0e-03"


@pytest.mark.parametrize(
    ("head", "change"),
    [(0.4009, Change.SAME), (0.4011, Change.WORSE), (0.3991, Change.SAME), (0.3, Change.BETTER)],
)
def test_a_distance_that_moved_says_that_another_function_is_computed(figures, head, change):
    found = of("distance to full", figures(), figures(distance_to_full=head))
    assert found.change is change
    assert ("the function that is computed has changed" in found.remark) is (
        change is not Change.SAME
    )


WRONG = "relative error 0.3 against the oracle, at most 1e-06 expected"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (Status.OK, Status.DISAGREES, Change.WORSE),
        (Status.OK, Status.LEFT_OUT, Change.WORSE),
        (Status.THROTTLED, Status.CRASHED, Change.WORSE),
        (Status.CRASHED, Status.OK, Change.BETTER),
        (Status.CRASHED, Status.CRASHED, Change.SAME),
        (Status.UNSUPPORTED, Status.DISAGREES, Change.WORSE),
        (Status.DISAGREES, Status.UNSUPPORTED, Change.SAME),
    ],
)
def test_of_a_side_without_figures_the_status_says_all(figures, failed, before, after, change):
    fine = (Status.OK, Status.THROTTLED)
    base, head = (
        figures(status=status) if status in fine else failed(status, WRONG)
        for status in (before, after)
    )
    (found,) = exact_figures(base, head)
    assert (found.name, found.base, found.head) == ("status", before.value, after.value)
    assert found.change is change
    assert WRONG in found.remark


def test_a_throttled_point_has_its_figures(figures):
    head = figures(status=Status.THROTTLED, reason="clocks were held down", workspace_bytes=2**30)
    assert changes(figures(), head)["workspace"] is Change.WORSE


def test_what_is_gone_is_worse_unless_it_had_no_figures(figures, failed):
    (gone,) = exact_figures(figures(), None)
    assert (gone.base, gone.head, gone.change) == ("ok", None, Change.WORSE)
    (dead,) = exact_figures(failed(Status.CRASHED, "killed"), None)
    assert dead.change is Change.SAME


def test_what_is_new_has_nothing_to_compare_and_may_not_be_wrong(figures, failed):
    assert exact_figures(None, figures()) == []
    (absent,) = exact_figures(None, failed(Status.UNSUPPORTED, "needs CUDA"))
    assert (absent.base, absent.change, absent.remark) == (None, Change.NOT_COUNTED, "needs CUDA")
    (wrong,) = exact_figures(None, failed(Status.DISAGREES, WRONG))
    assert wrong.change is Change.WORSE


def test_a_point_of_neither_side_is_refused():
    with pytest.raises(ValueError, match="neither base nor head"):
        exact_figures(None, None)


def test_a_line_of_a_run_file_has_all_of_them(record):
    counts = Counts(flops=1, operators=2, launches=None, graph_breaks=0)
    made = record("hatrick", workspace=77, distance=0.25).model_copy(update={"counts": counts})
    assert Figures.from_record(made) == Figures(
        status=Status.OK,
        reason="",
        workspace_bytes=77,
        memory_source="cpu allocator events",
        counts=counts,
        oracle_error=1e-7,
        oracle_bound=1e-6,
        distance_to_full=0.25,
    )
    crashed = Figures.from_record(record("lsh", status=Status.CRASHED))
    assert crashed.workspace_bytes is crashed.oracle_error is crashed.counts is None


sizes = st.integers(0, 2**50)


@given(base=sizes, head=sizes)
def test_turning_the_sides_around_turns_worse_and_better_around(figures, base, head):
    turned = {Change.WORSE: Change.BETTER, Change.BETTER: Change.WORSE, Change.SAME: Change.SAME}
    one, other = figures(workspace_bytes=base), figures(workspace_bytes=head)
    forth = of("workspace", one, other).change
    assert of("workspace", other, one).change is turned[forth]
    assert (forth is Change.WORSE) is (head > base)
