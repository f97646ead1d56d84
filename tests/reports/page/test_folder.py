import html
import re

from plotly.offline import get_plotlyjs

from reports.page.folder import names
from reports.page.page import write_page


def test_a_page_for_each_run_one_plotly_and_an_index(run, record, tmp_path):
    runs = [run([record(), record("full")], name=name) for name in ("a", "b")]
    index = write_page(runs, tmp_path / "deep" / "site", split=True)
    assert index == tmp_path / "deep" / "site" / "index.html"
    files = {path.name: path for path in index.parent.iterdir()}
    assert set(files) == {"a.html", "b.html", "index.html", "plotly.min.js"}
    assert files["plotly.min.js"].read_text("utf-8") == get_plotlyjs()
    assert files["a.html"].read_text("utf-8").count("plotly.min.js") == 1
    assert files["a.html"].stat().st_size < 300_000


def test_the_index_opens_with_what_each_run_found(run, record, harmful, tmp_path):
    runs = [
        run([record(variant), record("full")], name=name)
        for name, variant in (("a & b", harmful), ("c", "lsh"))
    ]
    text = write_page(runs, tmp_path, split=True).read_text("utf-8")
    links = [html.unescape(link) for link in re.findall(r'<h2><a href="([^"]+)">', text)]
    assert links == ["a%20%26%20b.html", "c.html"]
    assert text.count('<ol class="findings">') == 2
    assert 'href="c.html#variant=' in text
    assert "<script" not in text


def test_pages_of_one_name_get_numbers(run):
    runs = [run([], name=name) for name in ("a", "index", "a", "A", "a-2")]
    found = names(runs)
    assert found[:2] == ["a", "index-2"]
    assert len({name.casefold() for name in found}) == 5
