import pytest

from reports.frame import to_frame
from reports.models import findings
from reports.schema import Status

TABLES = ("growth_table", "crossover_table", "law_table", "optimum_table", "fits_table")
DRIFT = [1.0, 1.02, 0.98, 1.01, 0.99, 1.03]


@pytest.fixture(scope="module")
def frame(run, record, visits):
    """Full grows as T² and hatrick by the law in T and n, so that they cross near T = 800."""
    made = []
    for T in (256, 512, 1024, 2048, 4096, 8192):
        made.append(record("full", T, workspace=64 * T, **taken(visits, 2e-6 * T**2)))
        for i, n in enumerate((16, 32, 64, 128)):
            ms = 1e-3 * T + 5e-6 * T * n + 5e-6 * T**2 / n
            figures = taken(visits, ms, offset=i)
            made.append(record("hatrick", T, chunk_size=n, workspace=100 * T, **figures))
    return to_frame([run(made)])


def taken(visits, ms, offset=0):
    return {"median_ms": ms, "latency": visits(ms, DRIFT, noise=0.004, offset=offset)}


@pytest.mark.parametrize("name", TABLES)
def test_every_cell_is_text_and_the_rows_are_positions_of_the_frame(frame, name):
    shuffled = frame.set_index(frame.index + 1000)
    table = getattr(findings, name)(shuffled)
    assert len(table)
    for column in table.columns.drop("rows"):
        assert all(isinstance(cell, str) for cell in table[column]), column
    for rows in table["rows"]:
        assert rows
        assert set(rows) <= set(range(len(frame)))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("status", [Status.OUT_OF_MEMORY, None])
def test_where_nothing_is_ok_or_nothing_there_the_columns_remain(run, record, name, status):
    made = [record("hatrick", T, status=status) for T in (256, 512)] if status else []
    table = getattr(findings, name)(to_frame([run(made)]))
    assert table.empty
    assert {"setting", "rows"} < set(table.columns)


@pytest.mark.parametrize("name", TABLES)
def test_one_point_a_curve_is_a_line_with_its_reason_at_most(run, record, name):
    frame = to_frame([run([record("full"), *(record(chunk_size=n) for n in (32, 64))])])
    for line in getattr(findings, name)(frame).to_dict("records"):
        assert any("need" in cell for cell in line.values() if isinstance(cell, str)), line


def test_growth_has_the_exponent_that_was_put_in(frame):
    table = findings.growth_table(frame)
    assert table["attention"].tolist()[:2] == ["hatrick (fastest n)", "full"]
    full = table[(table["attention"] == "full") & (table["of"] == "latency")].iloc[0]
    assert full["grows as"].startswith("T^2.00 (")
    workspace = table[table["of"] == "workspace"]
    assert workspace["grows as"].str.startswith("T^1.00 (").all()
    assert set(workspace["misses by"]) == {"< 0.01%"}
    assert frame.loc[full["rows"], "label"].eq("full").all()
    assert "hatrick (n = 16)" in set(table["attention"])


def test_crossovers_name_both_and_speak_of_their_rows_alone(frame):
    table = findings.crossover_table(frame)
    best = table[table["attentions"] == "hatrick and full"].iloc[0]
    assert "hatrick overtakes full from T = " in best["what is seen"]
    assert set(frame.loc[best["rows"], "label"]) == {"hatrick", "full"}
    fixed = table[table["attentions"] == "hatrick (n = 16) and full"].iloc[0]
    chunks = frame.loc[fixed["rows"], "chunk_size"].dropna()
    assert set(chunks) == {16}


def test_the_law_is_a_line_for_the_fit_and_one_for_each_term(frame):
    table = findings.law_table(frame)
    assert table["term"].tolist() == ["–", "1", "T", "T·n", "T²/n", "(T/n)²"]
    of_chunks = table[table["term"] == "T·n"].iloc[0]
    value, unit = of_chunks["time a unit"].split(" ")[:2]
    assert (float(value), unit) == (pytest.approx(5.0, rel=0.05), "ns")


def test_the_optimum_is_beside_the_measured_best_and_the_root(frame):
    table = findings.optimum_table(frame).set_index("T")
    at = table.loc["4,096"]
    assert at["measured best n"].startswith("64")
    assert at["√T"] == "64"
    assert float(at["n* of the law"].split(" ")[0]) == pytest.approx(64, rel=0.1)
    assert "T^1.5" in table.loc["256 to 8,192", "remark"]


def test_settings_are_told_apart(frame, run, record):
    made = [record("full", T, direction=d) for T in (256,) for d in ("forward", "forward+backward")]
    table = findings.growth_table(to_frame([run(made)]))
    assert set(table["setting"]) == {"forward", "forward+backward"}
