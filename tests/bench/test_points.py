from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import variants
from bench.points import attention_config, expand, load_plugins
from bench.spec import SpecError, merge


def points(**flags: str) -> list[Any]:
    return expand(merge({"device": "cpu", "preset": "quick", **flags})[0])


def test_one_point_for_every_combination_short_sequences_first() -> None:
    planned = points(
        variants="hatrick,full",
        seq_len="64,32",
        chunk_size="8,16",
        dtype="fp32,bf16",
        direction="forward,forward+backward",
    )
    found = [each.point for each in planned]
    # hatrick has two chunk sizes, full has none and so one point
    assert len(found) == 2 * 2 * 2 * (2 + 1)
    assert len({point.key for point in found}) == len(found)
    assert [point.seq_len for point in found] == sorted(point.seq_len for point in found)
    assert {point.chunk_size for point in found if point.variant == "full"} == {None}
    assert {point.chunk_size for point in found if point.variant == "hatrick"} == {8, 16}


def test_directions_of_one_layer_follow_each_other() -> None:
    found = [p.point for p in points(variants="hatrick", direction="forward,forward+backward")]
    for forward, both in zip(found[::2], found[1::2], strict=True):
        assert (forward.direction, both.direction) == ("forward", "forward+backward")
        assert forward.model_copy(update={"direction": "forward+backward"}) == both


def test_options_are_all_there_and_typed() -> None:
    planned = points(variants="lsh:rounds=1,lsh:rounds=2:wrap=round", seq_len="64")
    first, second = (each.point.options for each in planned)
    assert first == {"rounds": 1, "wrap": "flat", "seed": 0}
    assert second == {"rounds": 2, "wrap": "round", "seed": 0}


def test_what_is_written_twice_is_measured_once() -> None:
    assert len(points(variants="lsh,lsh:rounds=4,lsh", seq_len="64,64")) == 1


def test_auto_is_resolved_and_a_backend_that_cannot_run_has_its_reason() -> None:
    auto, xformers = points(variants="full", seq_len="64", backend="auto,xformers")
    assert (auto.point.backend, auto.point.backend_used, auto.unsupported) == ("auto", "sdpa", "")
    assert xformers.point.backend_used == ""
    assert "xformers" in xformers.unsupported


def test_an_entry_may_name_its_backend_and_the_others_take_the_sweeps() -> None:
    given = "full,full:backend=plain,full:backend=auto,lsh:rounds=1:backend=sdpa"
    planned = points(variants=given, seq_len="64", backend="flex,sdpa")
    found = [(each.point.variant, each.point.backend) for each in planned]
    full = [("full", backend) for backend in ("flex", "sdpa", "plain", "auto")]
    assert found == [*full, ("lsh", "sdpa")]
    assert len({each.point.key for each in planned}) == 5
    assert planned[4].point.options == {"rounds": 1, "wrap": "flat", "seed": 0}


def test_an_option_of_a_variant_that_is_called_backend_stays_its_own(registry: ModuleType) -> None:
    class Options(variants.VariantOptions):
        backend: str = "mine"

    full = variants.get("full")
    variants.register("odd")(type("Odd", (full,), {"Options": Options}))
    (planned,) = points(variants="odd:backend=yours", seq_len="64")
    assert planned.point.options == {"backend": "yours"}
    assert planned.point.backend == "auto"


def test_a_core_is_only_timed_where_there_is_one() -> None:
    hatrick, full = points(variants="hatrick,full", seq_len="64", scope="core")
    assert "no (query, key, value) core" in hatrick.unsupported
    assert full.unsupported == ""


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"variants": "hattrick"}, ["'hattrick'", "hatrick", "sliding_window"]),
        ({"variants": "lsh:round=1"}, ["'round'", "did you mean 'rounds'?", "wrap"]),
        ({"variants": "lsh:rounds"}, ["lsh:option=value"]),
        ({"variants": "lsh:rounds=few"}, ["rounds", "'few'"]),
        ({"variants": "lsh:wrap=twice"}, ["'twice'", "'flat', 'round' or 'none'"]),
        ({"variants": "full:rounds=1"}, ["no option 'rounds'", "full has backend"]),
        ({"variants": "full:backend=flx"}, ["no backend 'flx'", "full has auto, sdpa, plain"]),
        ({"variants": "full:backend="}, ["no backend ''", "full has auto"]),
        ({"variants": "lsh:bakend=flex"}, ["did you mean 'backend'?"]),
        ({"backend": "sdqa"}, ["'sdqa'", "auto", "sdpa"]),
        ({"device": "tpu"}, ["'tpu'", "auto, cpu"]),
        ({"device": "cuda:99"}, ["'cuda:99'", "auto, cpu"]),
        ({"dim": "65"}, ["dim=65", "heads=4"]),
    ],
)
def test_a_mistake_says_what_was_given_and_what_is_allowed(
    flags: dict[str, str], parts: list[str]
) -> None:
    with pytest.raises(SpecError) as caught:
        points(**flags)
    for part in parts:
        assert part in str(caught.value)


def test_a_variant_whose_support_raises_takes_nothing_else_down(
    clean_registry: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def support(*_: object, **__: object) -> None:
        raise OSError("no driver")

    monkeypatch.setattr(variants.get("lsh"), "support", support)
    lsh, full = points(variants="lsh,full", seq_len="64")
    assert lsh.unsupported == "support() raised OSError: no driver"
    assert full.unsupported == ""


def test_a_plugin_that_fails_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.py"
    path.write_text("raise ImportError('no such library')")
    with pytest.raises(SpecError, match=r"bad\.py.*no such library"):
        load_plugins([str(path)])


def test_configuration_of_a_point() -> None:
    hatrick, full = (
        attention_config(p.point)
        for p in points(variants="hatrick,full", seq_len="64", chunk_size="8", causal="true")
    )
    assert (hatrick.dim, hatrick.heads, hatrick.causal, hatrick.chunk_size) == (64, 4, True, 8)
    assert full.causal


def test_a_variant_whose_support_answers_nonsense_is_unsupported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(variants.get("full"), "support", lambda *_, **__: None)
    (planned,) = points(variants="full", seq_len="8")
    assert planned.unsupported == "support() returned None and no variants.Support"


def test_a_window_with_both_sides_given_has_no_chunk_size() -> None:
    given = "sliding_window:left=3:right=0,sliding_window:left=3"
    planned = points(variants=given, seq_len="8", chunk_size="4,8")
    assert [each.point.chunk_size for each in planned] == [None, 4, 8]
