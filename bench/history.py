"""The commands `hatrick history`: runs in a folder, what they say over time, where they shifted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.console import MISTAKE, Runs, flag, print_refused, refuse, writing

if TYPE_CHECKING:
    from rich.console import Console

    from reports.history.series import Series
    from reports.history.store import Stored
    from reports.history.summaries import History

MANY_MISSING = 20
"""So many runs without a summary take so long to read that it is said."""
MOST_LISTED = 12
"""Values of a filter that a sentence names."""
FOLDER = Path(".hatrick/history")

history = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Keep runs over time, and find where their figures shifted.",
)

Folder = Annotated[Path, typer.Option("--history", help="Its folder.", metavar="DIR")]
Commit = Annotated[str | None, flag("First digits of a commit, or of the sources' digest.", "HASH")]
Device = Annotated[str | None, flag("A part of the device's name: H200, EPYC.", "NAME")]
Since = Annotated[str | None, flag("Runs from this day (UTC) on.", "YYYY-MM-DD")]


@history.command()
def add(runs: Runs, folder: Folder = FOLDER) -> None:
    """Put runs into the history, each as one file.

    \b
    Examples:
      hatrick history add results/run.jsonl
      hatrick history add results/ --history perf-history

    A file's name tells time, commit, device and run. A run that is there already is no second copy;
    one that a resumed sweep went on with replaces its shorter version. The folder holds these files
    and, in summaries/, what can be made from them again: keep it in a git branch, a CI cache or a
    bucket. Several processes may add at the same time.

    \b
    Exit codes:
      0    all are there
      2    one could not be read, or the folder not written; all others are there
    """
    from reports.history import store
    from reports.history.summaries import summarise
    from reports.runfile import RunFileError

    failed = False
    for file in (file for path in runs for file in _files(path)):
        try:
            run, outcome = store.add(file, folder)
        except (RunFileError, store.HistoryError) as error:
            typer.echo(f"hatrick: {error}", err=True)
            failed = True
        except OSError as error:
            refuse(
                f"{folder}: cannot be written ({error.strerror or error}); nothing more is added"
            )
        else:
            summarise(run)
            typer.echo(f"{file}: {outcome}, {run.path}")
    raise typer.Exit(MISTAKE if failed else 0)


@history.command("list")
def list_runs(
    folder: Folder = FOLDER, commit: Commit = None, device: Device = None, since: Since = None
) -> None:
    """List the runs by time, with commit and device.

    \b
    Examples:
      hatrick history list
      hatrick history list --device H200 --since 2026-01-01
      hatrick history list --commit 1a2b3c4

    \b
    Exit codes:
      0    they are listed
      2    a mistake in the call, or no such run
    """
    from reports.history.tables import runs_table

    runs = _runs(folder, commit, device, since)
    _console().print(runs_table(runs))
    typer.echo(f"{len(runs)} run{'s' if len(runs) != 1 else ''}, each in {folder}/*-RUN.jsonl")


@history.command()
def show(
    folder: Folder = FOLDER,
    variant: Annotated[str | None, flag("hatrick, or its label: lsh · rounds=4.", "NAME")] = None,
    seq_len: Annotated[str | None, flag("Sequence length; 8k is 8192.", "T")] = None,
    chunk_size: Annotated[int | None, flag("Visible local keys.", "N")] = None,
    direction: Annotated[str | None, flag("forward, forward+backward.", "NAME")] = None,
    dtype: Annotated[str | None, flag("fp32, bf16, fp16, fp64.", "NAME")] = None,
    commit: Commit = None,
    device: Device = None,
    since: Since = None,
    html: Annotated[Path | None, flag("Write the trend page there instead.", "FILE.html")] = None,
) -> None:
    """Show how figures went over time, and where they shifted.

    \b
    Examples:
      hatrick history show
      hatrick history show --variant hatrick --seq-len 8k
      hatrick history show --variant hatrick --seq-len 8k --chunk-size 64 --device EPYC
      hatrick history show --html trend.html

    A series is one point (attention, T, chunk size, dtype …) on one model of device. Filters that
    leave one series show it run by run, and its shifts in sentences; several have a row each, with
    the last shift. `!` behind a shift: more than the code changed there; the sentence says what.

    A shift of the latency or oracle error is said of 10 runs or more with 5 on each side.
    In simulations at most 1% of series of 30 runs that never changed have a false alarm, a figure;
    more where runs resemble the run before, or are fewer (reports/history/changepoints.py has the
    method and the whole table). Status, workspace, distance and counts have no noise: every change
    is a shift.

    \b
    Exit codes:
      0    it is shown, shifts or none
      2    a mistake in the call, no such run or series, or the page cannot be written
    """
    from reports.history.series import all_series, latest_shifts
    from reports.history.tables import run_table, series_table
    from reports.history.words import no_verdict, sentence

    if html is not None and html.suffix != ".html":
        refuse(f"--html names a page, FILE.html; got {html}")
    wanted = {
        "variant": variant,
        "T": _seq_len(seq_len),
        "chunk size": chunk_size,
        "direction": direction,
        "dtype": _dtype(dtype),
    }
    runs = _load(_runs(folder, commit, device, since))
    found = _matching(all_series(runs), wanted, device)
    if html is not None:
        from reports.history.page import write_trend

        with writing(html, MISTAKE):
            typer.echo(f"Page: {write_trend(found, html)}")
        return
    is_one = len(found) == 1
    _console().print(run_table(found[0]) if is_one else series_table(found))
    shifts = latest_shifts(found)
    is_filtered = any(value is not None for value in (*wanted.values(), device))
    for one, point in shifts if is_one or is_filtered else []:
        typer.echo(sentence(one, point))
    if is_one and not shifts:
        typer.echo(f"{found[0].title}: {no_verdict(found[0]) or 'no shift'}.")


def _files(path: Path) -> list[Path]:
    """A run file, or those of a folder."""
    found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not found:
        refuse(f"{path}: this folder holds no run file (*.jsonl)")
    return found


def _runs(folder: Path, commit: str | None, device: str | None, since: str | None) -> list[Stored]:
    """The runs that the filters leave; none is a mistake."""
    from reports.history.store import HistoryError, chosen, stored

    day = _day(since)
    try:
        runs, refused = stored(folder)
    except HistoryError as error:
        refuse(str(error))
    print_refused(refused)
    if not runs:
        refuse(f"{folder}: holds no run; add some by `hatrick history add RUN…`")
    left = chosen(runs, commit=commit, device=device, since=day)
    if not left:
        devices = dict.fromkeys(name for run in runs for name in run.devices)
        refuse(
            f"no run of {len(runs)} in {folder} is of these; there are commits "
            f"{_listed(run.commit for run in reversed(runs))}, devices {_listed(devices)}, from "
            f"{runs[0].environment.created_at:%Y-%m-%d} to "
            f"{runs[-1].environment.created_at:%Y-%m-%d}"
        )
    return left


def _load(runs: Sequence[Stored]) -> History:
    from reports.history.summaries import load, missing

    count = missing(runs)
    if count >= MANY_MISSING:
        typer.echo(f"Summarising {count} runs, once …", err=True)
    read = load(runs)
    print_refused(read.refused)
    return read


def _matching(
    found: Sequence[Series], wanted: dict[str, str | int | None], device: str | None
) -> list[Series]:
    """The series with these values; where there is none, say which values there are."""
    own: dict[str, Callable[[Series], Sequence[str | int | None]]] = {
        "variant": lambda one: (one.point.variant, one.label),
        "T": lambda one: (one.point.seq_len,),
        "chunk size": lambda one: (one.point.chunk_size,),
        "direction": lambda one: (one.point.direction,),
        "dtype": lambda one: (one.point.dtype,),
    }
    left = [one for one in found if device is None or _is_on(one, device)]
    for name, value in wanted.items():
        if value is None:
            continue
        kept = [one for one in left if value in own[name](one)]
        if not kept:
            there = dict.fromkeys(own[name](one)[-1] for one in left)
            refuse(f"no series here has {name} {value}; there is {_listed(there)}")
        left = kept
    if not left:
        refuse("these runs hold no point")
    return left


def _is_on(one: Series, device: str) -> bool:
    return device.lower() in one.point.device_name.lower()


def _day(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        refuse(f"--since {text!r} is no day; write 2026-01-31 (in UTC)")
    return day if day.tzinfo else day.replace(tzinfo=UTC)


def _seq_len(text: str | None) -> int | None:
    if text is None:
        return None
    digits, unit = (text[:-1], 1024) if text[-1:] in ("k", "K") else (text, 1)
    if not (digits.isascii() and digits.isdigit()):
        refuse(f"cannot read --seq-len {text!r} as a length; write 4096 or 4k (k = 1024)")
    return int(digits) * unit


def _dtype(text: str | None) -> str | None:
    from bench.spec import DTYPES

    if text is not None and text not in DTYPES:
        refuse(f"no dtype {text!r}; choose from {', '.join(DTYPES)}")
    return None if text is None else DTYPES[text]


def _listed(values: Iterable[object]) -> str:
    """Values in words, each once, no more than a line takes."""
    different = [str(value) for value in dict.fromkeys(values) if value is not None]
    more = f" and {len(different) - MOST_LISTED} more" if len(different) > MOST_LISTED else ""
    return (", ".join(different[:MOST_LISTED]) or "none") + more


def _console() -> Console:
    from rich.console import Console

    console = Console()
    # Narrower than this a table would have to cut numbers; the terminal folds whole lines.
    console.width = max(100, console.width)
    return console
