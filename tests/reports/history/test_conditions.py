"""What else than the code may have changed."""

from __future__ import annotations

from reports.history.conditions import changes, conditions, exact_conditions


def test_a_change_names_what_it_was_and_what_it_is(environment) -> None:
    before = conditions(environment())
    after = conditions(environment(packages={"torch": "2.14.0"}, threads=4, driver="550.1"))
    assert changes(before, after) == [
        "torch 2.13.0+cpu → 2.14.0",
        "numpy 2.2.0 → none",
        "threads 2 → 4",
        "driver none → 550.1",
    ]


def test_the_code_and_the_moment_are_no_conditions(environment) -> None:
    other = environment(run_id="b", git_commit="f" * 40, git_dirty=True, code="1", command="x")
    assert changes(conditions(environment()), conditions(other)) == []


def test_variables_and_the_order_of_points_are(environment) -> None:
    other = environment(variables={"OMP_NUM_THREADS": "1"}, spec={"order": "sequential"})
    assert changes(conditions(environment()), conditions(other)) == [
        "order of points interleaved → sequential",
        "OMP_NUM_THREADS 2 → 1",
    ]


def test_plug_ins_cudnn_and_peers_are_and_what_only_reports_is_not(environment) -> None:
    plain = {"torch": "2.13.0", "plotly": "7.0", "hatrick-bench": "0.1"}
    before = environment(packages={**plain, "mine.py": "sha256 a", "cudnn": "9", "einops": "1"})
    other = {"torch": "2.13.0", "plotly": "7.1", "hatrick-bench": "0.2"}
    after = environment(packages={**other, "mine.py": "sha256 b", "cudnn": "10", "einops": "2"})
    assert changes(conditions(before), conditions(after)) == [
        "mine.py sha256 a → sha256 b",
        "cudnn 9 → 10",
        "einops 1 → 2",
    ]


def test_an_exact_figure_is_moved_by_versions_threads_and_cpu_alone(environment) -> None:
    before = environment()
    machine = environment(host="b", os="c", cpu_cores=9, variables={}, spec={"order": "sequential"})
    assert exact_conditions(before) == exact_conditions(machine)
    after = environment(cpu="Other", threads=3, python="3.12")
    assert len(changes(exact_conditions(before), exact_conditions(after))) == 3
