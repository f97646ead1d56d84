import re

from reports.charts.chunks import chunk_figures
from reports.frame import to_frame


def test_labels_with_several_chunk_sizes_have_three_figures_each(run, record):
    made = [record(name, chunk_size=n) for name in ("lsh", "hatrick") for n in (32, 64)]
    made += [record("full"), record("sliding_window")]
    found = chunk_figures(to_frame([run(made)]))
    assert list(found) == [
        f"chunks-{label}-{part}"
        for label in ("hatrick", "lsh")
        for part in ("latency", "workspace", "curves")
    ]


def test_names_are_unique_and_fit_for_files(run, record):
    made = [record(name, chunk_size=n) for name in ("a/b", "a·b", "…") for n in (32, 64)]
    made += [record("a/b", chunk_size=n, batch=8) for n in (32, 64)]
    found = chunk_figures(to_frame([run(made)]))
    assert len(found) == 4 * 3
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name) for name in found)


def test_names_are_made_of_the_label_as_it_is_and_not_too_long_for_a_file(run, record):
    labels = ["a<b", "it's", *("x" * 200 + end for end in "yz")]
    made = [record(name, chunk_size=n) for name in labels for n in (32, 64)]
    found = chunk_figures(to_frame([run(made)]))
    assert len(found) == 4 * 3
    assert {"chunks-a-b-latency", "chunks-it-s-latency"} <= set(found)
    assert max(map(len, found)) <= 80


def test_titles_name_the_setting_where_there_are_several(run, record):
    made = [record(chunk_size=n, batch=b) for n in (32, 64) for b in (1, 8)]
    titles = [figure.layout.title.text for figure in chunk_figures(to_frame([run(made)])).values()]
    assert "Latency of hatrick, batch 1" in titles
    assert "Workspace of hatrick, batch 8" in titles
