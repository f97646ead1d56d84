import pandas as pd

from reports.charts.series import numbered, series
from reports.frame import to_frame
from reports.schema import Status


def test_one_series_a_label_and_setting_in_the_order_of_legends(run, record):
    made = [record(name, causal=causal) for causal in (True, False) for name in ("lsh", "hatrick")]
    found = series(to_frame([run(made)]))
    assert [(of.setting, of.name) for of in found] == [
        (0, "hatrick, causal"),
        (0, "lsh, causal"),
        (1, "hatrick, not causal"),
        (1, "lsh, not causal"),
    ]
    assert [of.rows for of in found] == [[1], [0], [3], [2]]


def test_with_one_setting_the_name_is_the_label_escaped(run, record):
    (of,) = series(to_frame([run([record("<b> & 'c'")])]))
    assert (of.name, of.label) == ("&lt;b&gt; &amp; 'c'", "<b> & 'c'")


def test_no_two_series_of_a_colour_share_both_dash_and_symbol(run, record):
    made = [
        record("lsh", options={"rounds": n}, batch=batch) for n in (1, 2, 4) for batch in (1, 2, 4)
    ]
    found = series(to_frame([run(made)]))
    assert len({of.style.colour for of in found}) == 1
    assert len({(of.dash, of.style.symbol) for of in found}) == len({of.group for of in found}) == 9


def test_a_label_that_failed_everywhere_is_a_series_too(run, record):
    assert len(series(to_frame([run([record(status=Status.CRASHED)])]))) == 1


def test_an_index_that_tells_rows_apart_is_kept_and_any_other_replaced(run, record):
    frame = to_frame([run([record(), record("full"), record("lsh")])])
    assert numbered(frame[1:]).index.tolist() == [1, 2]
    assert numbered(pd.concat([frame[1:], frame])).index.tolist() == [0, 1, 2, 3, 4]
    assert numbered(frame.set_index("label")).index.tolist() == [0, 1, 2]
