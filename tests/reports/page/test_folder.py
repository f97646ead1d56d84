import html
import re
from dataclasses import replace

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


def test_the_index_says_whose_findings_they_are(run, record, tmp_path):
    runs = [run([record(), record("full")], name=name) for name in ("monday", "friday")]
    environment = runs[0].environment
    text = write_page(runs, tmp_path, split=True).read_text("utf-8")
    sources = re.findall(r'</h2><p class="quiet">(.*?)</p>', text)
    assert [source.split(" · ")[0] for source in sources] == ["monday.jsonl", "friday.jsonl"]
    for source in sources:
        assert f" · commit {environment.git_commit[:12]}" in source
        assert source.endswith(f" · host {html.escape(environment.host)}")


def test_changes_that_were_not_committed_are_said(run, record, tmp_path):
    made = run([record()])
    for dirty, commit, said in (
        (True, "0123456789abcdef", "commit 0123456789ab, changed since"),
        (False, "0123456789abcdef", "commit 0123456789ab ·"),
        (True, "", f"{made.path.name} · host"),
    ):
        environment = made.environment.model_copy(update={"git_dirty": dirty, "git_commit": commit})
        text = write_page([replace(made, environment=environment)], tmp_path, split=True)
        assert said in text.read_text("utf-8")


def test_an_index_asks_for_nothing_and_sends_nothing(run, record, tmp_path):
    text = write_page([run([record()])], tmp_path, split=True).read_text("utf-8")
    assert "default-src 'none'" in text
    assert "form-action 'none'" in text


def test_pages_of_one_name_get_numbers(run):
    runs = [run([], name=name) for name in ("a", "index", "a", "A", "a-2")]
    found = names(runs)
    assert found[:2] == ["a", "index-2"]
    assert len({name.casefold() for name in found}) == 5
