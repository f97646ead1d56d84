from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy
import pytest

from bench.gate.expanding import Answer, Question, _answer, check_origins
from bench.gate.overlay import HARNESS
from bench.spec import SpecError, SweepSpec

Ask = Callable[..., Answer]


@pytest.fixture
def ask() -> Ask:
    """Answers in this process, whose packages are the harness's own."""

    def ask(plugins: list[str] | None = None, **spec: object) -> Answer:
        small = SweepSpec(**{"dim": 16, "heads": 2, "seq_len": [64], "device": ["cpu"]} | spec)
        return _answer(
            Question(
                spec=small.model_dump(mode="json"),
                plugins=plugins or [],
                overlay=HARNESS,
                not_from=None,
            )
        )

    return ask


def test_every_entry_has_its_points(ask: Ask) -> None:
    answer = ask(variants=["lsh:rounds=1", "full", "lsh"], seq_len=[128, 64], chunk_size=[8])
    told = [(each.entry, each.point.seq_len) for each in answer.points]
    assert told == [(entry, T) for entry in ("lsh:rounds=1", "full", "lsh") for T in (64, 128)]
    assert [each.point.options["rounds"] for each in answer.points[::5]] == [1, 4]
    assert answer.left_out == {}


def test_entries_that_are_not_known_are_left_out_with_the_reason(ask: Ask) -> None:
    entries = ["nobody", "lsh:turns=3", "full:backend=none", "full"]
    answer = ask(variants=entries)
    assert [each.entry for each in answer.points] == ["full"]
    assert list(answer.left_out) == entries[:3]
    assert answer.left_out["nobody"].startswith("no variant 'nobody'; choose from")
    assert "no option 'turns'" in answer.left_out["lsh:turns=3"]
    assert "no backend 'none'" in answer.left_out["full:backend=none"]


def test_a_backend_that_a_variant_lacks_gives_no_point_of_it(ask: Ask) -> None:
    answer = ask(variants=["full", "lsh", "full:backend=plain"], backend=["sdpa", "xformers"])
    told = [(each.entry, each.point.backend) for each in answer.points]
    assert told == [
        ("full", "sdpa"),
        ("full", "xformers"),
        ("lsh", "sdpa"),
        ("full:backend=plain", "plain"),
    ]
    assert answer.left_out == {}


def test_what_is_not_supported_here_says_why(ask: Ask) -> None:
    answer = ask(variants=["full"], backend=["xformers"], dtype=["float64"])
    assert [bool(each.unsupported) for each in answer.points] == [True]


def test_a_plugin_that_cannot_be_loaded_is_a_mistake(ask: Ask, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.py: no such file"):
        ask([str(tmp_path / "nowhere.py")])


def imported(name: str, file: Path | str) -> dict[str, ModuleType]:
    module = ModuleType(name)
    module.__file__ = str(file)
    return {name: module}


def test_a_package_from_elsewhere_than_the_overlay_is_a_mistake(tmp_path: Path) -> None:
    modules = imported("variants.full", tmp_path / "code" / "variants" / "full.py")
    check_origins(modules, tmp_path / "code", None)
    with pytest.raises(SpecError, match=r"variants\.full was imported from .* a sitecustomize"):
        check_origins(modules, tmp_path / "other", None)


def test_a_module_from_the_other_sides_tree_is_a_mistake(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    check_origins(imported("helper", tmp_path / "base" / "helper.py"), tmp_path, tree)
    (tmp_path / "link").symlink_to(tree)
    modules = imported("helper", tmp_path / "link" / "helper.py")
    with pytest.raises(SpecError, match=r"helper was imported from the working tree \(.*tree/hel"):
        check_origins(modules, tmp_path, tree)
    check_origins(modules, tmp_path, None)


def test_the_harness_and_what_is_installed_may_lie_in_the_other_sides_tree(tmp_path: Path) -> None:
    assert numpy.__file__ is not None
    modules = imported("bench.spec", HARNESS / "bench" / "spec.py")
    modules |= imported("numpy", numpy.__file__) | imported("no.file", "<frozen>")
    modules |= {"namespace": ModuleType("namespace")}
    check_origins(modules, tmp_path, Path("/"))


def test_what_plug_ins_register_is_asked_for_where_it_is_to_be(
    clean_registry: None, tmp_path: Path
) -> None:
    """A variant that head has deleted is base's alone, and its points are gone."""
    file = tmp_path / "theirs.py"
    file.write_text(
        "import torch\n"
        "from variants import register_core\n"
        "for name in ('stays', 'goes'):\n"
        "    @register_core(name, uses_chunk_size=False)\n"
        "    def attend(q, k, v, *, causal, chunk_size, key_padding_mask):\n"
        "        return v\n"
    )
    spec = SweepSpec(dim=16, heads=2, seq_len=[64], device=["cpu"], variants=["stays"])
    question = Question(
        spec=spec.model_dump(mode="json"),
        plugins=[str(file)],
        overlay=HARNESS,
        not_from=None,
        registered=True,
    )
    assert [each.entry for each in _answer(question).points] == ["stays", "goes"]
