from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.tune.profile import constraints_of, main, profile_of
from hatrick import profiles
from hatrick.chunk_size import store
from reports.runfile import Run, read_run
from reports.tuning.decision import decisions

SHIPPED = Path(profiles.__file__).parent
RESULTS = Path(__file__).parents[3] / "docs" / "results"
TUNED = sorted(path for path in RESULTS.glob("*/tune-*.jsonl") if "verify" not in path.name)


@pytest.fixture
def run() -> Run:
    """What is in the repository of HATrick on a CPU."""
    return read_run(RESULTS / "cpu" / "tune-hatrick.jsonl")


def test_the_profiles_that_ship_are_what_the_committed_runs_say() -> None:
    shipped = {path.name: store.load(path) for path in SHIPPED.glob("*.json")}
    made = [profile_of(read_run(path)) for path in TUNED]
    expected = {store.file_name(each): each for each in made if each is not None}
    assert shipped
    assert shipped == expected


def test_a_profile_says_what_was_decided(run: Run) -> None:
    made, decided = profile_of(run), decisions(run)
    assert made is not None
    assert {each.seq_len: each.chunk_size for each in made.lengths} == {
        each.seq_len: each.chunk_size for each in decided if each.chunk_size is not None
    }
    for tuned in made.lengths:
        assert tuned.origin.run_id == run.environment.run_id
        (own,) = (each for each in tuned.evidence if each.chunk_size == tuned.chunk_size)
        assert own.ratio == 1.0
        assert tuned.latency_ms > 0
    setting, point = made.setting, run.races[0].point
    assert (setting.variant, setting.dim, setting.threads) == ("hatrick", point.dim, 2)
    assert made.software.code == run.environment.spec["tune"]["code"]
    assert made.constraints == {}


def test_its_law_is_that_of_the_run(run: Run) -> None:
    made = profile_of(run)
    assert made is not None
    assert made.law is not None
    for decision in decisions(run):
        assert decision.latency_ms is not None
        at = made.law.at(decision.seq_len, decision.chunk_size or 0)
        # A machine's speed drifts from length to length, and between a race and the last sample.
        assert at == pytest.approx(decision.latency_ms, rel=0.3)


def test_what_was_asked_for_besides_speed_is_kept(run: Run) -> None:
    asked = {
        "max_memory": 2 << 30,
        "max_distance": 0.8,
        "max_quality": 2.5,
        "quality": "some/loss.csv",
        "prefer": "memory",
    }
    spec = run.environment.spec | {"tune": run.environment.spec["tune"] | asked}
    limited = replace(run, environment=run.environment.model_copy(update={"spec": spec}))
    assert constraints_of(limited) == {
        "most memory": "2.00 GiB",
        "most distance": 0.8,
        "most quality": 2.5,
        "quality of": "loss.csv",
        "preferred": "memory",
    }


def test_a_run_that_decides_nothing_makes_none(run: Run) -> None:
    assert profile_of(replace(run, races=[])) is None
    unconfirmed = [race.model_copy(update={"heats": []}) for race in run.races]
    assert profile_of(replace(run, races=unconfirmed)) is None


def test_those_that_ship_are_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "SHIPPED", tmp_path)
    (tmp_path / "old.json").write_text("{}")
    main(*map(str, sorted(RESULTS.glob("cpu/tune-*.jsonl"))))
    made = sorted(tmp_path.glob("*.json"))
    assert sorted(capsys.readouterr().out.split()) == [str(path) for path in made]
    assert not (tmp_path / "old.json").exists()
    assert {store.load(path).setting.variant for path in made} >= {"hatrick"}
