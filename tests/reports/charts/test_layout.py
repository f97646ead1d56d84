import plotly.graph_objects as go

from reports.charts.layout import figure, wrapped

AXES = {"xaxis": {"title": {"text": "T"}}, "yaxis": {"title": {"text": "ms"}, "type": "log"}}


def test_axes_keep_what_they_are_and_make_room_for_their_titles():
    layout = figure([], AXES, title="a", subtitle="b").layout
    assert (layout.xaxis.title.text, layout.yaxis.type) == ("T", "log")
    assert layout.xaxis.automargin
    assert layout.yaxis.title.standoff < layout.xaxis.title.standoff
    assert "automargin" not in AXES["xaxis"]


def test_every_line_of_the_subtitle_has_room():
    one, two = (figure([], AXES, title="a", subtitle=text).layout for text in ("b", "b<br>c"))
    assert two.margin.t > one.margin.t
    assert two.title.subtitle.text == "b<br>c"


def test_room_is_to_the_right_of_the_axes():
    without, with_room = (
        figure([], AXES, title="a", subtitle="b", room=px).layout.margin for px in (0, 30)
    )
    assert with_room.r == without.r + 30


def test_a_sentence_stands_where_there_is_nothing_else():
    trace = go.Scatter(x=[1], y=[1])
    assert not figure([trace], AXES, title="a", subtitle="b").layout.annotations
    (note,) = figure([], AXES, title="a", subtitle="b", nothing="so").layout.annotations
    assert (note.text, note.xref, note.showarrow) == ("so", "paper", False)


def test_colours_of_ground_and_text_are_left_to_the_template():
    layout = figure([], AXES, title="a", subtitle="b").to_plotly_json()["layout"]
    layout.pop("template")
    assert "color" not in str(layout)


def test_a_sentence_is_broken_into_lines_and_escaped():
    assert wrapped('one <two> "three\'s"', 9) == 'one &lt;two&gt;<br>"three\'s"'
