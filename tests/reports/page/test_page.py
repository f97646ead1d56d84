import base64
import gzip
import re
from pathlib import Path

import pytest
from plotly.offline import get_plotlyjs

from reports.page.page import write_page


def test_plotly_is_carried_packed(page):

    found = re.findall(r'id="plotly">([^<]*)<', page.read_text("utf-8"))
    assert len(found) == 1
    assert gzip.decompress(base64.b64decode(found[0])).decode() == get_plotlyjs()


def test_folders_are_made_and_a_page_is_replaced(run, record, tmp_path):
    path = tmp_path / "deep" / "page.html"
    assert write_page([run([record("full")])], path) == path
    assert "full attention" in path.read_text("utf-8")
    write_page([run([record("lsh")])], str(path))
    assert "<h1>LSH attention" in path.read_text("utf-8")


@pytest.mark.parametrize("split", [False, True])
def test_a_page_that_is_cut_off_leaves_the_one_before(run, record, tmp_path, monkeypatch, split):
    path = tmp_path / ("site" if split else "page.html")
    index = write_page([run([record("full")])], path, split=split)
    before = {file: file.read_bytes() for file in index.parent.iterdir()}

    def cut_off(path, content):
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", cut_off)
    with pytest.raises(KeyboardInterrupt):
        write_page([run([record("lsh")])], path, split=split)
    assert {file: file.read_bytes() for file in index.parent.iterdir()} == before


def test_the_same_runs_give_the_same_page(run, record, tmp_path):
    pages = [write_page([run([record()])], tmp_path / name / "p.html") for name in "ab"]
    assert pages[0].read_bytes() == pages[1].read_bytes()


@pytest.mark.parametrize("split", [False, True])
def test_no_run_is_an_error(tmp_path, split):
    with pytest.raises(ValueError, match="at least one run"):
        write_page([], tmp_path / "page.html", split=split)
