"""The command `hatrick report`: what a report may be, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bench.console import (
    INTERRUPTED,
    MISTAKE,
    Runs,
    mistakes,
    print_damage,
    print_refused,
    refuse,
    write_page,
    writing,
)

if TYPE_CHECKING:
    import pandas as pd

    from reports.runfile import Run

Form = Literal["html", "markdown", "csv", "parquet", "png"]
STDOUT = Path("-")
TEXT: tuple[Form, ...] = ("markdown", "csv")
"""What a terminal, or a pipe, can take; printed where no file is named."""
SUFFIXES: dict[Form, str] = {"html": ".html", "parquet": ".parquet"}
"""Of the file beside the first run, where no other is named."""
PAGES = "-pages"
"""A folder of pages is called after the first run, with this behind its name."""


def report(
    runs: Runs,
    html: Annotated[bool, typer.Option("--html", help="A page (this is the default).")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Findings and tables.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Every point and figure.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="The same, with types.")] = False,
    png: Annotated[
        Path | None, typer.Option(help="Charts as PNG and SVG, into a folder.", metavar="DIR")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where to; - prints Markdown or CSV.", metavar="FILE")
    ] = None,
    split: Annotated[
        bool, typer.Option("--split", help="A folder with a page for each run.")
    ] = False,
) -> None:
    """Write what runs say: one page that works offline, or a table, or the charts as images.

    \b
    Examples:
      hatrick report results/run.jsonl
      hatrick report before.jsonl after.jsonl --out both.html
      hatrick report results/ --split --out pages
      hatrick report results/run.jsonl --markdown
      hatrick report results/run.jsonl --csv --out run.csv
      hatrick report results/run.jsonl --png charts

    Runs on several devices, or of several commits, overlay in one page. Without --out a page and
    Parquet are written beside the first run, Markdown and CSV printed. What a report was written to
    before is replaced, a run file never. Images are drawn by Chrome or Chromium.

    \b
    Exit codes:
      0    it is written
      2    a mistake in the call, or the place cannot be written, or there is no browser for images
      130  interrupted
    """
    wanted = _asked({"html": html, "markdown": markdown, "csv": csv, "parquet": parquet}, png)
    to = _place(wanted, png, out, split)
    from reports.runfile import read_readable

    with mistakes():
        read, refused = read_readable(runs)
    to = to or _beside(read[0].path, wanted, split)
    _spare_runs(read, to)
    try:
        _write(read, wanted, to, split)
    except KeyboardInterrupt:
        typer.echo("Interrupted; what was to be written may not be there.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    print_damage(read)
    print_refused(refused)


def _asked(chosen: dict[Form, bool], png: Path | None) -> Form:
    """The one form that the flags ask for."""
    forms: list[Form] = [form for form, is_set in chosen.items() if is_set]
    if png is not None:
        forms.append("png")
    if len(forms) > 1:
        named = " and ".join(f"--{form}" for form in forms)
        refuse(f"choose one of --html, --markdown, --csv, --parquet and --png DIR; got {named}")
    return forms[0] if forms else "html"


def _place(form: Form, png: Path | None, out: Path | None, split: bool) -> Path | None:
    """Where the flags say that it goes; None where they say nothing."""
    if split and form != "html":
        refuse(f"--split is about pages, and --{form} writes none; leave one of the two out")
    if png is not None and out is not None:
        refuse(f"--png names its folder itself, {png}; leave out --out {out}")
    if out == STDOUT and form not in TEXT:
        refuse(f"--out - prints Markdown or CSV; --{form} needs a file")
    if form == "html" and out is not None and split and out.suffix == ".html":
        refuse(f"--split writes a folder of pages; --out names a file, {out}")
    if form == "html" and out is not None and not split and out.suffix != ".html":
        refuse(f"--out names a page, FILE.html; got {out}")
    if out is None and form in TEXT:
        return STDOUT
    return png or out


def _beside(run: Path, form: Form, split: bool) -> Path:
    return run.with_name(run.stem + PAGES) if split else run.with_suffix(SUFFIXES[form])


def _spare_runs(runs: Sequence[Run], to: Path) -> None:
    """Refuse to write over what was measured: a report can be made again, a run cannot."""
    if to.suffix == ".jsonl" or to.resolve() in {run.path.resolve() for run in runs}:
        refuse(f"{to} is a run file, or named like one, and is not written over; name another")


def _write(runs: Sequence[Run], form: Form, to: Path, split: bool) -> None:
    import reports

    if form == "html":
        typer.echo(f"Page: {write_page(runs, to, MISTAKE, split=split)}")
        return
    frame = reports.to_frame(runs)
    text = ""
    if form in TEXT:
        text = reports.to_csv(frame) if form == "csv" else reports.to_markdown(frame)
    if to == STDOUT:
        typer.echo(text, nl=False)
        return
    with writing(to, MISTAKE):
        if form == "png":
            _write_images(frame, to)
        elif form == "parquet":
            reports.write_parquet(frame, to)
        else:
            reports.write_text(text, to)
    typer.echo(f"Written: {to}")


def _write_images(frame: pd.DataFrame, folder: Path) -> None:
    from reports.images import NoImages, write_images

    try:
        write_images(frame, folder)
    except NoImages as error:
        refuse(str(error))
