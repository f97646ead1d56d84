import ast
import json
from pathlib import Path

import plotly.graph_objects as go
import pytest

NOTEBOOK = Path(__file__).parents[2] / "docs" / "figures.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


def test_it_holds_no_output(cells):
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_every_cell_runs_and_every_chart_is_a_figure(cells, monkeypatch, capsys):
    monkeypatch.chdir(NOTEBOOK.parent)
    names, shown = {}, []
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell["id"], "exec"), names)
        if last is not None:
            shown.append(eval(compile(ast.Expression(last.value), cell["id"], "eval"), names))
    figures = [value for value in shown if value is not None]
    assert len(figures) >= 4
    assert all(isinstance(figure, go.Figure) and figure.data for figure in figures)
    assert "hatrick" in capsys.readouterr().out
