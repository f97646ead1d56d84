"""Which sources a variant's measurements are of."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

import variants
from hatrick.chunk_size import identity
from hatrick.chunk_size.identity import code_identity
from variants import code
from variants.code import own_code

PLUGIN = """
from variants import register_core
@register_core("mine")
def mine(q, k, v, *, causal, chunk_size, key_padding_mask):
    return v
"""


def test_hatrick_is_its_package_and_the_others_are_all_variants_too() -> None:
    assert variants.get("hatrick").code_identity() == code_identity()
    others = {variants.get(name).code_identity() for name in ("full", "lsh", "sliding_window")}
    assert others == {code_identity(code.HERE.glob("*.py"))}
    assert code_identity() not in others


def test_a_plugin_is_its_file_besides(tmp_path: Path, registry: ModuleType) -> None:
    path = tmp_path / "mine.py"
    path.write_text(PLUGIN)
    variants.load_plugin(path)
    before = variants.get("mine").code_identity()
    assert before == code_identity([*code.HERE.glob("*.py"), path])
    path.write_text(PLUGIN + "\n")
    identity._digest.cache_clear()  # what a process has loaded does not change
    assert before != code_identity([*code.HERE.glob("*.py"), path])


def test_a_change_in_the_package_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "new.py").write_text("")
    before = variants.get("lsh").code_identity()
    monkeypatch.setattr(code, "HERE", tmp_path)
    assert variants.get("lsh").code_identity() != before


def test_a_class_without_a_file_has_an_identity_all_the_same() -> None:
    typed = type("Typed", (), {"__module__": "typed_into_a_session"})
    assert own_code(typed) == code_identity(code.HERE.glob("*.py"))
