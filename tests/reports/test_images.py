import shutil
import sys

import pytest

from reports import images
from reports.frame import to_frame

BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")
def frame(run, sweep):
    return to_frame([run(sweep((256, 512), (32,)))])


@pytest.mark.skipif(BROWSER is None, reason="no Chrome or Chromium to draw with")
def test_every_chart_is_a_png_and_an_svg(frame, tmp_path):
    files = images.write_images(frame, tmp_path / "charts")
    assert sorted(files) == sorted((tmp_path / "charts").iterdir())
    assert {file.stem for file in files} >= {"scaling", "memory", "roofline", "pareto"}
    for file in files:
        start = file.read_bytes()[:8]
        assert start == b"\x89PNG\r\n\x1a\n" if file.suffix == ".png" else start.startswith(b"<svg")
    assert {file.suffix for file in files} == {".png", ".svg"}


def test_without_a_browser_it_says_what_is_needed(frame, tmp_path, monkeypatch):
    monkeypatch.setattr("choreographer.browsers.chromium.Chromium.find_browser", lambda **_: None)
    with pytest.raises(images.NoImages, match="apt install chromium") as caught:
        images.write_images(frame, tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_without_kaleido_it_says_so(frame, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(images.NoImages, match="pip install kaleido"):
        images.write_images(frame, tmp_path)


def test_a_folder_that_is_a_file_is_an_os_error(frame, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(FileExistsError):
        images.write_images(frame, tmp_path / "taken")
