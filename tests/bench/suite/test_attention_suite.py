"""The suite in real runs of pytest: saved, compared, and failing where it became slower."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_runs import MINE, QUICK, run_pytest

import variants
from bench.suite import test_attention
from hatrick.pytest_plugin import OPTIONS

OWN = ("full-", "hatrick-", "lsh-", "sliding_window-")
SUITE = Path(test_attention.__file__)


def parametrized(**options: Any) -> tuple[list[Any], list[str]]:
    """The points and ids that the suite makes of options."""
    values = {f"--hatrick-{name}": default for name, (default, _) in OPTIONS.items()}
    values |= {"hatrick_plugin": [], "--hatrick-device": "cpu"}
    values |= {f"--hatrick-{name}": value for name, value in options.items()}
    found: list[Any] = []
    metafunc: Any = SimpleNamespace(
        config=SimpleNamespace(getoption=values.__getitem__),
        parametrize=lambda name, points, ids: found.extend([points, list(ids)]),
    )
    test_attention.pytest_generate_tests(metafunc)
    return found[0], found[1]


def test_every_variant_and_backend_has_a_benchmark() -> None:
    points, ids = parametrized()
    expected = {(name, b) for name in variants.names() for b in variants.get(name).backends}
    assert {(point.variant, point.backend) for point in points} == expected
    assert len(set(ids)) == len(points) == len(expected)
    assert {"full-plain-T512-forward-cpu", "hatrick-plain-n64-T512-forward-cpu"} < set(ids)


def test_whatever_an_option_changes_is_in_the_id() -> None:
    _, plain = parametrized()
    for name, value in (("seq-len", "2k"), ("chunk-size", "32"), ("direction", "forward+backward")):
        _, changed = parametrized(**{name: value})
        # Of this project's own: what other tests register may have no chunks.
        unaffected = {each for each in set(plain) & set(changed) if each.startswith(OWN)}
        assert all(name == "chunk-size" and "full-" in each for each in unaffected)


def test_lists_multiply() -> None:
    once, _ = parametrized()
    points, ids = parametrized(**{"seq-len": "1k,2k", "direction": "forward,forward+backward"})
    assert len(set(ids)) == len(points) == 4 * len(once)


def test_a_mistake_in_an_option_is_a_sentence() -> None:
    with pytest.raises(pytest.UsageError, match="seq_len='long': cannot read 'long' as a size"):
        parametrized(**{"seq-len": "long"})


def test_a_package_that_cannot_be_loaded_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "broken", lambda: {"theirs (their.module)": "no luck"})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        parametrized()
    assert "not loaded: theirs (their.module): no luck" in map(str, (w.message for w in caught))


def test_a_saved_suite_is_compared_and_a_slower_one_fails(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    sizes = ["--hatrick-seq-len=32", "--hatrick-chunk-size=16", "--hatrick-device=cpu"]
    chosen = ["--hatrick-plugin=mine.py", "-k", "mine-own"]
    storage = f"--benchmark-storage={tmp_path / 'storage'}"
    suite = [str(SUITE), "-o", "addopts=", "-v", "--benchmark-only", storage, *QUICK]
    done = run_pytest(tmp_path, *suite, *sizes, *chosen, "--benchmark-save=base")
    names = re.findall(r"::test_attention\[(\S+)\] PASSED", done.stdout)
    assert names == ["mine-own-T32-forward-cpu"], done.stdout

    # A thousand times as slow: what a busy machine does is no matter.
    compare = ["--benchmark-compare", "--benchmark-compare-fail=median:100000%"]
    done = run_pytest(tmp_path, *suite, *sizes, *chosen, *compare)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("(NOW)") == 1

    (path,) = (tmp_path / "storage").rglob("*.json")
    document = json.loads(path.read_text("utf-8"))
    for benchmark in document["benchmarks"]:
        benchmark["stats"]["median"] /= 1e4
    path.write_text(json.dumps(document), "utf-8")
    done = run_pytest(tmp_path, *suite, *sizes, *chosen, *compare)
    assert done.returncode != 0
    assert "Performance has regressed" in done.stdout + done.stderr
