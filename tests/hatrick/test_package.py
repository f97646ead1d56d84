"""What `hatrick` exports comes when it is asked for."""

from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

import hatrick


def test_every_export_is_there_and_comes_back_from_a_pickle() -> None:
    for name in hatrick.__all__:
        exported = getattr(hatrick, name)
        assert exported.__name__ == name
        assert pickle.loads(pickle.dumps(exported)) is exported


def test_torch_is_imported_by_the_first_export_and_not_before() -> None:
    code = (
        "import sys, hatrick; print('torch' in sys.modules);"
        "from hatrick import HATrick; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_there_is_nothing_else() -> None:
    with pytest.raises(AttributeError, match="module 'hatrick' has no attribute 'nothing'"):
        _ = hatrick.nothing
