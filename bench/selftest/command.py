"""The command `hatrick selftest`. It imports what it needs when it runs: help is instant."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bench.console import INTERRUPTED, Device, mistakes


def selftest(
    device: Device = None,
    out: Annotated[
        Path | None, typer.Option(help="Its figures as JSON.", metavar="FILE.json")
    ] = None,
) -> None:
    """Show whether this machine, and this harness, are fit to measure.

    Twice the work takes twice the time; the clock agrees with an independent one; memory is exact
    to the byte; two measurements of one point agree (their difference is the machine's noise floor,
    and kept for later runs). By these the machine is fit or not. And most of a sweep's time is
    spent in the calls that it measures.

    \b
    Examples:
      hatrick selftest
      hatrick selftest --device cpu --out selftest.json

    \b
    Exit codes:
      0    all checks passed
      1    one did not: the table says which, and whether the machine is fit all the same
      2    a mistake in the call
      130  interrupted; nothing was kept
    """
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # or torch's profiler prints while it counts

    from rich.console import Console

    from bench.device import resolve
    from bench.noise import keep_noise
    from bench.selftest.run import check_writable, run_selftest

    try:
        with mistakes():
            chosen = resolve(device or "auto")
            if out is not None:
                check_writable(out)  # now, and not when the figures are there
            found = run_selftest(chosen, say=lambda line: typer.echo(line, err=True))
    except KeyboardInterrupt:
        typer.echo("Interrupted; nothing was kept.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    Console().print(found.table())
    if out is not None:
        out.write_text(found.model_dump_json(indent=1) + "\n", "utf-8")
    if found.noise is not None:
        typer.echo(keep_noise(found.noise), err=True)
    raise typer.Exit(0 if found.passed else 1)
