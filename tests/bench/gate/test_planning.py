from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.gate import planning as module
from bench.gate.expanding import Answer, Expanded
from bench.gate.overlay import HARNESS, lay
from bench.gate.planning import Asked, Pair, paired, plan_points
from bench.gate.sides import Code
from bench.points import Planned
from bench.spec import SpecError, SweepSpec
from reports.gate.result import Side
from reports.schema import Point

SMALL = {"dim": 16, "heads": 2, "device": ["cpu"]}
MINE = """
print("to stdout")
from variants import register_core

@register_core("mine")
def mine(q, k, v, *, causal, chunk_size, key_padding_mask):
    return v
"""
MakePoint = Callable[..., Point]
MakeCode = Callable[..., Code]


@pytest.fixture
def make_code(tmp_path: Path) -> MakeCode:
    """A side with the harness's own packages, which a test may change."""

    def make_code(name: str = "working tree", *plugins: str) -> Code:
        overlay = tmp_path / name / "code"
        overlay.parent.mkdir()
        lay(overlay, HARNESS)
        side = Side(name=name, commit="12345678" * 5)
        return Code(side, (overlay,), plugins, lenient=name != "working tree")

    return make_code


def test_each_side_plans_with_its_own_code_and_its_points_are_matched_by_what_was_asked(
    make_code: MakeCode, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text(MINE)
    spec = SweepSpec(**SMALL, seq_len=[64], chunk_size=[8], variants=["mine", "lsh", "full"])
    base, head = make_code("main"), make_code("working tree", str(tmp_path / "mine.py"))
    lsh = base.path[0] / "variants" / "lsh.py"
    lsh.write_text(
        lsh.read_text().replace("rounds: int = Field(default=4", "rounds: int = Field(2")
    )
    pairs = paired(plan_points(spec, base), plan_points(spec, head))
    assert [pair.name for pair in pairs] == [
        "mine n=8, T=64, forward",
        "lsh n=8, T=64, forward",
        "full, T=64, forward",
    ]
    new, changed, same = pairs
    assert new.base is None
    assert new.head is not None
    assert changed.base is not None
    assert changed.head is not None
    assert changed.base.point.options["rounds"] == 2
    assert changed.head.point.options["rounds"] == 4
    assert same.base == same.head
    assert same.head is not None
    assert same.head.point.backend_used


def test_code_that_does_not_load_is_told_by_side_with_the_exception(make_code: MakeCode) -> None:
    base = make_code("main")
    # In torch's place, the first thing imported: nobody waits for it.
    (base.path[0] / "torch.py").write_text("import no_such_module")
    with pytest.raises(SpecError) as caught:
        plan_points(SweepSpec(**SMALL), base)
    assert str(caught.value) == (
        "base main (123456781234): its code does not load: ModuleNotFoundError: No module named "
        "'no_such_module'; choose a base that this version of the harness can run"
    )


def test_code_that_ends_its_process_is_told_with_what_it_printed(make_code: MakeCode) -> None:
    head = make_code()
    (head.path[0] / "torch.py").write_text("print('bye', flush=True)\nimport os; os._exit(3)")
    words = r"head working tree .*ended with 3 and without an answer; it printed: bye; see that"
    with pytest.raises(SpecError, match=words):
        plan_points(SweepSpec(**SMALL), head)


def test_code_that_hangs_is_given_up(make_code: MakeCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_S", 0.1)
    with pytest.raises(SpecError, match=r"nothing came of it within 0\.1 s"):
        plan_points(SweepSpec(**SMALL), make_code())


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], None]:
    """Has an answer come without a process."""
    return lambda answer: monkeypatch.setattr(module, "_ask", lambda question, code: answer)


def test_what_a_side_does_not_know_is_a_mistake_of_head_alone(
    make_code: MakeCode, answered: Callable[[Answer], None]
) -> None:
    answered(Answer(left_out={"nobody": "no variant 'nobody'; choose from full"}))
    assert plan_points(SweepSpec(**SMALL), make_code("main")) == []
    with pytest.raises(SpecError, match=r"^no variant 'nobody'; choose from full$"):
        plan_points(SweepSpec(**SMALL), make_code())


def test_a_mistake_says_which_side_it_is_of(
    make_code: MakeCode, answered: Callable[[Answer], None]
) -> None:
    answered(Answer(mistake="plug-in mine.py: it registers no variant"))
    with pytest.raises(SpecError, match=r"^base v1 \(123456781234\): plug-in mine\.py: it reg"):
        plan_points(SweepSpec(**SMALL), make_code("v1"))


def test_names_tell_what_the_spec_lists_several_of_and_nothing_else(
    make_code: MakeCode, make_point: MakePoint, answered: Callable[[Answer], None]
) -> None:
    def name(entry: str, point: Point, **lists: object) -> str:
        answered(Answer(points=[Expanded(entry=entry, point=point, unsupported="")]))
        code = Code(Side(name="x"), (Path("/"),), ())
        return plan_points(SweepSpec(**SMALL, **lists), code)[0].name

    point = make_point(seq_len=1536, chunk_size=64, dtype="bfloat16", causal=True, backend="flex")
    assert name("lsh:rounds=1", point) == "lsh:rounds=1 n=64, T=1.5k, forward"
    assert name("full", make_point(direction="forward+backward")) == "full, T=24, forward+backward"
    assert name(
        "lsh",
        point,
        dtype="float32,bfloat16",
        scope="layer,core",
        causal=[True, False],
        backend="auto,flex",
        allocator="kept,system",
        wait_policy="passive,system",
    ) == (
        "lsh n=64, T=1.5k, forward, bfloat16, layer, causal, backend flex, allocator kept, wait "
        "policy passive"
    )
    assert name("full", make_point(), causal=[True, False]) == "full, T=24, forward, not causal"
    assert name("full:backend=flex", point, backend="auto,flex") == (
        "full:backend=flex n=64, T=1.5k, forward"
    )


def test_pairs_are_in_heads_order_and_what_only_base_has_comes_last(make_point: MakePoint) -> None:
    one, two, three = (Planned(make_point(seq_len=length)) for length in (1, 2, 3))
    base = [Asked("gone", one), Asked("both", two)]
    head = [Asked("new", three), Asked("both", three)]
    assert paired(base, head) == [
        Pair("new", None, three),
        Pair("both", two, three),
        Pair("gone", one, None),
    ]
