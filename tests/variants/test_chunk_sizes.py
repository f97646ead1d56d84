"""Variants whose chunk size is chosen for them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from tuned import CPU, calibration, profile, tuned

import variants
from hatrick.chunk_size import store
from hatrick.chunk_size.identity import software
from hatrick.chunk_size.profile import Profile
from variants import AttentionConfig

CONFIG = AttentionConfig(64, 4)

pytestmark = pytest.mark.filterwarnings("ignore:chunk_size=")


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def keep(variant: str, **options: object) -> Profile:
    """A profile of that variant as it is here."""
    code = variants.get(variant).code_identity()
    one = profile(tuned(1024, 192), variant=variant, options=options)
    one = one.model_copy(update={"software": software(CPU, code)})
    store.save(one)
    return one


@pytest.mark.parametrize(
    ("name", "options", "given"),
    [
        ("hatrick", {}, {}),
        ("lsh", {"rounds": 2, "wrap": "flat"}, {"rounds": 2, "seed": 7}),
        ("sliding_window", {}, {}),
        ("sliding_window", {"left": 3}, {"left": 3}),
    ],
)
def test_it_comes_from_a_profile(
    name: str, options: dict[str, object], given: dict[str, object]
) -> None:
    one = keep(name, **options)
    layer = variants.create(name, CONFIG, chunk_size="auto", seq_len=1024, **given)
    assert layer.config == AttentionConfig(64, 4, chunk_size=192)
    assert layer.chunk_size_source.startswith(f"profile {one.key[:8]}: tuned at T = 1,024")
    assert "; made with" not in layer.chunk_size_source
    assert layer.chunk_size_source in repr(layer)
    assert layer(torch.zeros(1, 40, 64)).shape == (1, 40, 64)


def test_a_profile_of_the_variant_holds_for_the_layer() -> None:
    keep("hatrick")
    from hatrick import HATrick

    layer = HATrick(64, 4, "auto", seq_len=1024)
    assert layer.chunk_size == 192
    assert "; made with" not in layer.chunk_size_source


def test_other_options_have_other_profiles() -> None:
    keep("lsh", rounds=2, wrap="flat", seed=0)
    layer = variants.create("lsh", CONFIG, chunk_size="auto", seq_len=1024)
    assert layer.chunk_size_source.startswith("sqrt(T)")


def test_a_calibration_takes_the_variants_own_cost() -> None:
    store.save_calibration(calibration(variant="sliding_window", ms_per_byte=0, ms_per_chunk=0))
    layer = variants.create("sliding_window", CONFIG, chunk_size="auto", seq_len=1024)
    assert layer.config.chunk_size == 16  # the fewer keys the fewer FLOPs
    assert "the cost model" in layer.chunk_size_source


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("full", {"chunk_size": "auto", "seq_len": 64}, "full has no chunk size to choose"),
        (
            "sliding_window",
            {"chunk_size": "auto", "seq_len": 64, "left": 1, "right": 1},
            "sliding_window has no chunk size to choose, given WindowOptions.left=1, right=1",
        ),
        ("lsh", {"chunk_size": "auto"}, "seq_len is missing"),
        ("lsh", {"chunk_size": "auto", "seq_len": 0}, "integer of at least 1, got 0"),
        ("lsh", {"seq_len": 64}, 'seq_len=64 is for chunk_size="auto" only'),
        ("lsh", {"chunk_size": 64}, "a number stands in the config"),
    ],
)
def test_mistakes(name: str, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        variants.create(name, CONFIG, **arguments)  # type: ignore[arg-type]


def test_a_config_holds_numbers() -> None:
    wanted = re.escape('variants.create(name, config, chunk_size="auto", seq_len=T)')
    with pytest.raises(ValueError, match=wanted):
        AttentionConfig(8, 2, chunk_size="auto")  # type: ignore[arg-type]


def test_a_chunk_size_that_is_given_says_so() -> None:
    layer = variants.create("lsh", CONFIG)
    assert layer.chunk_size_source == "given"
    assert "chunk_size_source" not in repr(layer)
