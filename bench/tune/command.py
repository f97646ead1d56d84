"""The command `hatrick tune`. It imports what it needs when it runs: help is instant."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.console import (
    INTERRUPTED,
    UNWRITTEN,
    Device,
    Plugins,
    called,
    flag,
    mistakes,
    refuse,
    writing,
)

if TYPE_CHECKING:
    from bench.tune.request import Request
    from hatrick.chunk_size.profile import Profile
    from reports.tuning.decision import Decision


def tune(
    variant: Annotated[str | None, flag("hatrick, lsh:rounds=4, sliding_window ….", "NAME")] = None,
    seq_len: Annotated[str | None, flag("Lengths; 4k is 4096. Four make a law.", "A,B,…")] = None,
    chunk_size: Annotated[
        str | None, flag("Those to try; else powers of two and neighbours.", "A,B,…")
    ] = None,
    dim: Annotated[str | None, flag("Width of the model.", "N")] = None,
    heads: Annotated[str | None, flag("Attention heads.", "N")] = None,
    batch: Annotated[str | None, flag("Sequences in a call.", "N")] = None,
    dtype: Annotated[str | None, flag("fp32, bf16, fp16, fp64.", "NAME")] = None,
    direction: Annotated[str | None, flag("forward, forward+backward.", "NAME")] = None,
    causal: Annotated[str | None, flag("false, true.", "BOOL")] = None,
    backend: Annotated[str | None, flag("auto, or a name from `hatrick variants`.", "NAME")] = None,
    device: Device = None,
    plugin: Plugins = None,
    max_memory: Annotated[str | None, flag("Of a call's workspace: 20GiB.", "SIZE")] = None,
    max_distance: Annotated[float | None, flag("To full attention: 0 is full itself.", "X")] = None,
    quality: Annotated[
        Path | None, flag("CSV: chunk_size, quality[, seq_len].", "FILE.csv")
    ] = None,
    min_quality: Annotated[float | None, flag("Of what --quality gives.", "X")] = None,
    max_quality: Annotated[float | None, flag("The same, where less is better.", "X")] = None,
    prefer: Annotated[
        str, flag("latency, memory or distance decides where they disagree.", "NAME")
    ] = "latency",
    target: Annotated[str | None, flag("Precision that ends sampling: 0.01.", "SHARE")] = None,
    seconds: Annotated[str | None, flag("Most sampling time of a finalist.", "TIME")] = None,
    timeout: Annotated[str | None, flag("Longest wait for an answer.", "TIME")] = None,
    seed: Annotated[str | None, flag("Of inputs and parameters.", "N")] = None,
    spec: Annotated[Path | None, flag("A spec in TOML, as of a sweep.", "FILE")] = None,
    profile: Annotated[
        Path | None, flag("Keep the decision there, not with the user's.", "FILE.json")
    ] = None,
    out: Annotated[str | None, flag("Run file; else in results/.", "FILE.jsonl")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on in --out where this tuning stopped.")
    ] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Then measure the full grid, and the regret.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Only ten seconds, for the cost model's times.")
    ] = False,
) -> None:
    """Find the chunk size that is the fastest on this device, and keep it.

    \b
    Examples:
      hatrick tune --seq-len 8k
      hatrick tune --variant lsh:rounds=4 --seq-len 1k,2k,4k,8k --direction forward+backward
      hatrick tune --seq-len 16k --dim 1024 --heads 16 --batch 4 --dtype bf16 --max-memory 20GiB
      hatrick tune --variant sliding_window --seq-len 8k --max-distance 0.8
      hatrick tune --seq-len 8k --quality loss.csv --max-quality 2.31
      hatrick tune --out tune.jsonl --resume --verify
      hatrick tune --calibrate

    Of every length the candidates race: all are measured a little, the clearly slower drop out,
    and what is left is measured again in a fresh process. The decision is a profile, from which
    HATrick(dim, heads, chunk_size="auto", seq_len=8192) takes its chunk size: at the lengths that
    were tuned and, with four in one tuning, between them and up to twice as far. `hatrick
    profiles` lists them. Writes a run file and, beside it, a page (.html).

    Constraints exclude chunk sizes, however fast. Where speed, memory and distance to full
    attention disagree, the page shows the front, and --prefer says which of them decides.

    --verify measures all chunk sizes of these lengths and of others that are predicted, each twice,
    and says by how much the chosen is slower than the best; it takes several times as long.

    \b
    Exit codes:
      0    there is a chunk size for every length
      1    for one there is none: the evidence is too thin, nothing meets the constraints, or it
           failed; it says so, and what to run
      2    a mistake in the call; nothing was measured
      3    a file cannot be written any further; what was measured is kept, --resume goes on
      130  interrupted; --resume goes on
    """
    keys = (
        "seq_len chunk_size dim heads batch dtype direction causal backend device plugin target "
        "seconds timeout seed out"
    )
    values = locals()
    flags = {key: values[key] for key in keys.split()} | {"variants": variant}
    typed = shlex.join([called(), *sys.argv[1:]])
    rules = {
        key: values[key]
        for key in ("max_memory", "max_distance", "quality", "min_quality", "max_quality", "prefer")
    }
    try:
        with mistakes():
            from bench.tune.request import request

            asked = request(flags, spec, command=typed, **rules)
            if (verify or calibrate) and (asked.constrained or prefer != "latency"):
                refuse(
                    f"--{'verify' if verify else 'calibrate'} is of latency alone: leave "
                    "constraints and --prefer out"
                )
            if calibrate:
                if verify or resume or profile or out:
                    refuse("--calibrate takes ten seconds, and writes neither run file nor profile")
                _calibrate(asked)
                raise typer.Exit
            decisions, path = _tune(asked, resume, profile)
            if verify:
                _verify(asked, decisions, path)
    except KeyboardInterrupt:
        typer.echo(_interrupted(typed, resume, out), err=True)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(int(any(each.refused for each in decisions)))


def _tune(asked: Request, resume: bool, profile: Path | None) -> tuple[list[Decision], Path]:
    """Measure, say what is decided, and keep it."""
    from rich.console import Console

    from bench.journal import DiskError
    from bench.stages import Stages
    from bench.tune.profile import profile_of
    from bench.tune.run import plan, tune
    from reports.models.growth import Unfit
    from reports.runfile import read_run
    from reports.tuning.decision import decisions
    from reports.tuning.model import law_of
    from reports.tuning.page import write_tuning_page
    from reports.tuning.table import rich_decisions

    if profile is not None:
        check_profile(profile)  # now, and not when the figures are there
    planned = plan(asked, resume=resume)
    try:
        with Stages(Console(stderr=True)) as stages:
            tune(planned, stages)
    except DiskError as error:
        typer.echo(f"hatrick: {error}", err=True)
        raise typer.Exit(UNWRITTEN) from None
    run = read_run(planned.path)
    found = decisions(run)
    console = Console()
    console.width = max(80, console.width)
    console.print(rich_decisions(found))
    page = planned.path.with_suffix(".html")
    with writing(page, UNWRITTEN):
        write_tuning_page(run, page)
    typer.echo(f"\nRun file: {planned.path}\nPage:     {page}")
    made = profile_of(run)
    if made is None:
        typer.echo("Profile:  none, for nothing was decided")
    else:
        typer.echo(f"Profile:  {_kept(made, profile)}")
        if isinstance(law := law_of(run), Unfit):
            typer.echo(
                f'No law, so chunk_size="auto" knows these lengths and those next to them: '
                f"{law.reason}"
            )
    return found, planned.path


def _kept(made: Profile, path: Path | None) -> Path:
    from hatrick.chunk_size import store

    try:
        return store.save(made, path)
    except store.ProfileError as error:
        typer.echo(
            f"hatrick: the profile is not kept: {error}; --out and --resume measure nothing again",
            err=True,
        )
    except OSError as error:
        typer.echo(
            f"hatrick: the profile is not kept: {error.filename or path or store.folder()} cannot "
            f"be written ({error.strerror}); name another with --profile, and --out and --resume "
            "measure nothing again",
            err=True,
        )
    raise typer.Exit(UNWRITTEN)


def check_profile(path: Path) -> None:
    """Refuse a place for a profile that cannot be one."""
    from hatrick.chunk_size import store

    if path.suffix != ".json":
        refuse(f"--profile names a file that ends in .json, got {path}")
    if path.exists():
        try:
            store.load(path)
        except store.ProfileError as error:
            refuse(str(error))


def _verify(asked: Request, found: list[Decision], tuned: Path) -> None:
    from rich.console import Console

    from bench.journal import DiskError
    from bench.stages import Stages
    from bench.tune.verify import choose, free_path, verify
    from reports.runfile import read_run
    from reports.tuning.regret import regret_markdown
    from reports.tuning.seconds import time_markdown

    run = read_run(tuned)
    chosen = choose(run, found)
    if not chosen:
        refuse("there is nothing to verify: no length has a chunk size")
    path = free_path(tuned)
    try:
        with Stages(Console(stderr=True)) as stages:
            verify(asked, run, chosen, path, stages)
    except DiskError as error:
        typer.echo(f"hatrick: {error}", err=True)
        raise typer.Exit(UNWRITTEN) from None
    grid = read_run(path)
    try:
        typer.echo(f"\n{regret_markdown(grid)}\n\n{time_markdown(run, grid)}\n\nRun file: {path}")
    except ValueError as error:
        typer.echo(f"hatrick: there is no regret to show: {error}", err=True)
        raise typer.Exit(1) from None


def _calibrate(asked: Request) -> None:
    from rich.console import Console

    from bench.stages import Stages
    from bench.tune.calibrate import calibrate
    from hatrick.chunk_size import store

    with Stages(Console(stderr=True)) as stages:
        stages.begin("calibration, 10 s", 0)
        made = calibrate(asked, stages.watch)
    try:
        path = store.save_calibration(made)
    except OSError as error:
        typer.echo(
            f"hatrick: {error.filename or store.folder()} cannot be written ({error.strerror})",
            err=True,
        )
        raise typer.Exit(UNWRITTEN) from None
    rates = [
        f"{value:.3g} {unit}"
        for value, unit in (
            (1e-6 / made.ms_per_flop if made.ms_per_flop else 0, "GFLOP/s"),
            (1e-6 / made.ms_per_byte if made.ms_per_byte else 0, "GB/s"),
            (1e3 * made.ms_per_chunk, "µs a chunk"),
        )
        if value
    ]
    typer.echo(
        f"{made.variant} on {made.device_name}, {made.dtype}, {made.direction}: "
        f"{', '.join(rates)}, by the cost model's counts.\nCalibration: {path}"
    )


def _interrupted(typed: str, resume: bool, out: str | None) -> str:
    if out is None or not Path(out).exists():
        return "Interrupted; nothing is kept as a profile."
    again = typed if resume else f"{typed} --resume"
    return f"Interrupted. The lengths that were done are in {out}. Go on with: {again}"
