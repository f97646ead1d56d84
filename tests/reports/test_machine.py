from __future__ import annotations

from collections.abc import Callable

from reports.machine import machine
from reports.runfile import Run
from reports.schema import Record


def test_a_run_on_a_cpu_is_named_by_its_environment_and_points(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    packages = {"numpy": "2.2.0", "torch": "2.13.0+cpu", "local-attention": "1.11.2"}
    made = run([record(), record("full", 512, dtype="bfloat16")], packages=packages)
    assert machine(made) == (
        "Example CPU 9000, 2 cores, 2 threads, torch 2.13.0+cpu, local-attention 1.11.2; "
        "layer, float32 and bfloat16, batch 1, dim 64, 4 heads, malloc keeps freed memory, "
        "threads sleep; commit 0123abc, 2025-03-04."
    )


def test_a_run_on_a_gpu_names_gpu_driver_and_cpu(
    record: Callable[..., Record], run: Callable[..., Run]
) -> None:
    point = {"device": "cuda:0", "device_name": "Example GPU", "cache": "cold"}
    made = run(
        [record(**point)],
        devices={"cuda:0": "Example GPU", "cuda:1": "Example GPU"},
        driver="570.1",
        cuda="12.8",
        cpu_cores=1,
    )
    said = machine(made)
    assert said.startswith("Example GPU, driver 570.1, CUDA 12.8, Example CPU 9000, 1 core, ")
    assert "cold cache" in said
    assert "malloc" not in said


def test_changes_that_no_commit_holds_are_said(run: Callable[..., Run]) -> None:
    assert machine(run([], git_dirty=True)).endswith("; commit 0123abc with changes, 2025-03-04.")


def test_without_a_checkout_the_code_has_its_digest(run: Callable[..., Run]) -> None:
    assert "; code c0de5eed, 2025" in machine(run([], git_commit="")).replace("commit ", "")
