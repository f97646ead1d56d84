from __future__ import annotations

import io

import pytest
import torch
from rich.console import Console

import variants
from bench.catalogue import catalogue


def shown() -> str:
    console = Console(file=io.StringIO(), width=240)
    console.print(catalogue(torch.device("cpu")))
    output: str = console.file.getvalue()  # type: ignore[attr-defined]
    return output


def test_every_variant_with_its_options_and_backends() -> None:
    output = shown()
    for name in variants.names():
        assert name in output
        assert variants.get(name).summary in output
    assert "rounds=4" in output
    assert "left=from chunk_size" in output
    assert "xformers: not here (" in output
    assert "flex: forward only (" in output


def test_an_entry_point_that_failed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variants, "broken", lambda: {"theirs (pkg:Cls)": "ImportError: no pkg"})
    assert "Not loaded: theirs (pkg:Cls): ImportError: no pkg" in shown()
