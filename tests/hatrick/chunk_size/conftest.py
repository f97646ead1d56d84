"""A user's folder for each test, and warnings that are said again."""

from __future__ import annotations

from pathlib import Path

import pytest

from hatrick.chunk_size import choose, store


@pytest.fixture(autouse=True)
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of profiles: empty, not even there; and no profile is shipped."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(store, "SHIPPED", tmp_path / "shipped")
    monkeypatch.setattr(choose, "_said", set())
    return store.folder()
