from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench import noise as module
from bench.noise import keep_noise, load_noise, noise_file, save_noise
from reports.schema import Noise


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without a noise floor."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path


def floor(device_name: str, spread: float = 0.02) -> Noise:
    return Noise(
        measured_at="2026-01-02T03:04:05Z",
        device_name=device_name,
        spread=spread,
        pairs=10,
        fit=True,
    )


def test_it_is_kept_in_the_users_own_folder(state: Path) -> None:
    assert noise_file().is_relative_to(state)
    assert not noise_file().parent.exists()
    assert save_noise(floor("a CPU")) == noise_file()


def test_each_device_has_its_own(state: Path) -> None:
    assert load_noise("a CPU") is None
    save_noise(floor("a CPU"))
    save_noise(floor("a GPU", 0.5))
    assert load_noise("a CPU") == floor("a CPU")
    assert load_noise("a GPU") == floor("a GPU", 0.5)
    assert load_noise("another GPU") is None


def test_the_last_one_counts() -> None:
    save_noise(floor("a CPU"))
    save_noise(floor("a CPU", 0.7))
    assert load_noise("a CPU") == floor("a CPU", 0.7)
    assert [path.name for path in noise_file().parent.iterdir()] == ["noise.json"]


def test_another_torch_or_another_host_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    save_noise(floor("a CPU"))
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "1.0")
        assert load_noise("a CPU") is None
    monkeypatch.setattr(module.platform, "node", lambda: "elsewhere")
    assert load_noise("a CPU") is None


def test_a_home_that_cannot_be_written_is_survived(state: Path) -> None:
    assert str(noise_file()) in keep_noise(floor("a CPU"))
    noise_file().unlink()
    noise_file().mkdir()
    words = keep_noise(floor("a CPU"))
    assert words.startswith(f"hatrick: the noise floor is not kept, {noise_file()} cannot be")
    assert load_noise("a CPU") is None


def test_a_file_that_is_no_text_is_none() -> None:
    noise_file().parent.mkdir(parents=True)
    noise_file().write_bytes(b"\xff\xfe\x00")
    assert load_noise("a CPU") is None


@pytest.mark.parametrize("content", ["", "{", '{"floors": {"x": 1}}', '{"version": 7}'])
def test_a_file_that_cannot_be_read_is_none_and_is_written_anew(content: str) -> None:
    noise_file().parent.mkdir(parents=True)
    noise_file().write_text(content)
    assert load_noise("a CPU") is None
    save_noise(floor("a CPU"))
    assert load_noise("a CPU") == floor("a CPU")
