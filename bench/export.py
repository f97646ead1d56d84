"""The command `hatrick export`: runs in the formats that other tools read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.console import MISTAKE, Runs, mistakes, print_damage, print_refused, refuse, writing

if TYPE_CHECKING:
    from reports.runfile import Run

Format = Literal["github-action-benchmark", "bencher", "pytest-benchmark", "csv", "parquet"]
STDOUT = Path("-")


def export(
    runs: Runs,
    form: Annotated[Format, typer.Option("--format", help="What is to read it.", metavar="NAME")],
    out: Annotated[
        Path | None, typer.Option(help="Where to; else, and with -, it is printed.", metavar="FILE")
    ] = None,
) -> None:
    """Write runs for other tools.

    \b
    Formats:
      github-action-benchmark  the action, with tool: customSmallerIsBetter
      bencher                  bencher run --adapter json
      pytest-benchmark         pytest-benchmark compare FILE; hatrick reads it back, too
      csv, parquet             every point and figure, as in `hatrick report`

    \b
    Examples:
      hatrick export --format github-action-benchmark results/run.jsonl --out bench.json
      hatrick export --format bencher results/run.jsonl | bencher run --adapter json
      hatrick export --format pytest-benchmark results/run.jsonl --out run.json
      hatrick export --format parquet results/ --out runs.parquet

    The first three have median latency and workspace of the points that are ok, under names that
    stay the same from run to run. The others are named on stderr; in csv and parquet they are rows
    with their status.

    \b
    Exit codes:
      0  it is written
      2  a mistake in the call, no point with figures, or the place cannot be written; or a file
         cannot be read: what the others hold is written
    """
    to = out or STDOUT
    if form == "parquet" and to == STDOUT:
        refuse("parquet is no text and is not printed; name a file, --out FILE.parquet")
    import reports
    from reports.runfile import read_readable

    with mistakes():
        read, refused = read_readable(runs)
    if to.suffix == ".jsonl" or to.resolve() in {run.path.resolve() for run in read}:
        refuse(f"{to} is a run file, or named like one, and is not written over; name another")
    if form == "parquet":
        with writing(to, MISTAKE):
            reports.write_parquet(reports.to_frame(read), to)
    else:
        text = reports.to_csv(reports.to_frame(read)) if form == "csv" else _text(form, read)
        if to == STDOUT:
            typer.echo(text, nl=False)
        else:
            with writing(to, MISTAKE):
                reports.write_text(text, to)
    if to != STDOUT:
        typer.echo(f"Written: {to}")
    print_damage(read)
    print_refused(refused)
    raise typer.Exit(MISTAKE if refused else 0)


def _text(form: str, runs: Sequence[Run]) -> str:
    """Runs in a tracker's format; what is not in it is said on stderr."""
    from reports.formats import FORMATS
    from reports.formats.points import ExportError, left_out

    if missing := left_out(runs):
        points = (
            "1 point without figures is"
            if len(missing) == 1
            else f"{len(missing)} points without figures are"
        )
        typer.echo(f"{points} left out:", err=True)
        for sentence in missing:
            typer.echo(f"  {sentence}", err=True)
    try:
        return FORMATS[form](runs)
    except ExportError as error:
        refuse(str(error))
