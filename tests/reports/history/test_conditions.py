"""What else than the code may have changed."""

from __future__ import annotations

from reports.history.conditions import changes, conditions


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
