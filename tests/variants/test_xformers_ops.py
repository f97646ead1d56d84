"""xformers: quiet at import, and its masks are our windows."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

import variants
from variants import oracles, xformers_ops

pytest.importorskip("xformers", reason="xformers is for Linux on x86-64 only")


def test_importing_it_prints_nothing() -> None:
    code = "from variants.xformers_ops import _ops; assert _ops().memory_efficient_attention"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""


@pytest.mark.parametrize("sides", [(0, 0), (3, 0), (0, 2), (5, 4), (40, 40), (None, 0)])
def test_its_masks_are_our_windows(sides: tuple[int | None, int]) -> None:
    left, right = sides
    theirs = xformers_ops._bias(left, right).materialize((33, 33)) == 0
    ours = oracles.window_counts(33, 33 if left is None else left, right, torch.arange(33))
    assert torch.equal(ours, theirs)


def test_an_open_window_needs_no_mask() -> None:
    assert xformers_ops._bias(None, None) is None


def test_the_reason_is_what_xformers_says_and_not_what_it_was_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On CPU xformers has no operator; with the device check out of the way it says why."""
    monkeypatch.setattr(xformers_ops, "_device_reason", lambda device: "")
    config = variants.AttentionConfig(256, 4)
    target = variants.Target(
        config, torch.device("cpu"), torch.bfloat16, True, variants.VariantOptions()
    )
    reason = xformers_ops.xformers_reason(target, left=3, right=4)
    assert reason.startswith("xformers has no operator for this: ")
    assert "cpu" in reason
    assert "query :" not in reason


@pytest.fixture
def cuda_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """xformers as on a machine with an H100, as far as it asks torch; nothing can run there."""
    fmha = xformers_ops._ops().fmha
    monkeypatch.setattr(xformers_ops, "_device_reason", lambda device: "")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (9, 0))
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(fmha.common, "_built_with_cuda", True)
    for family in (fmha.flash, fmha.flash3, fmha.cutlass):
        for operator in (family.FwOp, family.BwOp):
            monkeypatch.setattr(operator, "is_available", classmethod(lambda cls: True))


def on_cuda(dtype: torch.dtype, *, training: bool) -> str:
    config, device = variants.AttentionConfig(256, 4), torch.device("cuda", 0)
    target = variants.Target(config, device, dtype, training, variants.VariantOptions())
    return xformers_ops.xformers_reason(target, left=3, right=4)


@pytest.mark.usefixtures("cuda_build")
@pytest.mark.parametrize("training", [False, True])
def test_asking_about_cuda_makes_nothing_there(training: bool) -> None:
    """Whoever asks must be left without a CUDA context. Without a GPU an allocation raises."""
    before = torch.cuda.is_initialized()
    assert on_cuda(torch.bfloat16, training=training) == ""
    refused = on_cuda(torch.float32, training=training)
    assert refused.startswith("xformers has no operator for this: ")
    assert "device=" not in refused  # nor did it take the question for one about another device
    assert torch.cuda.is_initialized() == before


@pytest.mark.usefixtures("cuda_build")
def test_an_operator_without_a_backward_is_refused_for_training_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fmha = xformers_ops._ops().fmha
    for family in (fmha.flash, fmha.flash3):
        monkeypatch.setattr(family.BwOp, "is_available", classmethod(lambda cls: False))
    assert on_cuda(torch.bfloat16, training=False) == ""
    assert "operator wasn't built" in on_cuda(torch.bfloat16, training=True)


def test_off_cuda_it_is_refused_with_the_reason() -> None:
    q = torch.zeros(1, 1, 4, 16)
    with pytest.raises(ValueError, match=r"'xformers' cannot run here: .* no operator for cpu"):
        xformers_ops.xformers_attention(q, q, q, left=None, right=None, scale=1.0)
