from __future__ import annotations

import pytest
import torch
from tuned import setting, wanted


def test_its_setting_is_that_of_a_profile_as_far_as_it_is_known() -> None:
    own = setting(options={"rounds": 2}).model_dump()
    one = wanted(options={"rounds": 2})
    assert one.setting == {
        name: value for name, value in own.items() if name not in ("direction", "batch")
    }
    assert wanted(options={"rounds": 2}, direction="forward+backward", batch=1).setting == own


def test_dtype_and_device_are_torchs_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert wanted(dtype=torch.bfloat16).dtype_name == "bfloat16"
    torch.set_default_dtype(torch.float64)
    try:
        assert wanted().dtype_name == "float64"
    finally:
        torch.set_default_dtype(torch.float32)
    assert wanted(device="meta").place == wanted().place == torch.device("cpu")


def test_what_to_run() -> None:
    assert wanted().command == (
        f"OMP_NUM_THREADS={torch.get_num_threads()} hatrick tune --variant hatrick --seq-len 1024 "
        "--dim 64 --heads 4 --dtype float32 --device cpu"
    )
    other = wanted(
        variant="lsh", options={"rounds": 2, "wrap": "flat"}, backend="sdpa", causal=True,
        direction="forward", batch=2, dtype=torch.float16, device="cuda:1",
    )  # fmt: skip
    assert other.command == (
        "hatrick tune --variant lsh:rounds=2:wrap=flat --seq-len 1024 --dim 64 --heads 4 "
        "--dtype float16 --device cuda --causal true --backend sdpa --direction forward --batch 2"
    )
