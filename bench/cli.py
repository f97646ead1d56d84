"""The command `hatrick`. Commands import what they need when they run: help is instant, and reading
a run needs no torch."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.console import (
    INTERRUPTED,
    LIST,
    UNWRITTEN,
    Device,
    Plugins,
    Runs,
    called,
    flag,
    mistakes,
    print_refused,
    print_summary,
    write_page,
)
from bench.export import export
from bench.gate.command import gate
from bench.history import history
from bench.profiles import profiles
from bench.report import report
from bench.selftest.command import selftest
from bench.tune.command import tune

if TYPE_CHECKING:
    from bench.sweep import Plan

app = typer.Typer(
    name="hatrick",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without a sign shows "?" for it
    app()


@app.callback(invoke_without_command=True)
def hatrick(
    show_version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Measure attentions: latency, memory and agreement against sequence length.

    \b
    Examples:
      hatrick sweep                        measure, and write a run file and a page
      hatrick show results/run.jsonl       the summary table
      hatrick report results/run.jsonl     the page; --markdown, --csv, --png DIR …
      hatrick variants                     what there is, and what runs here
      hatrick tune --seq-len 8k            the chunk size that is best on this device
      hatrick profiles list                what was tuned, and what comes with the package
      hatrick gate --base main             whether a change made one slower, bigger or wrong
      hatrick history add results/         keep runs, and see where a level shifted
      hatrick export --format bencher run  for trackers that you have
      hatrick selftest                     whether this machine is fit to measure on

    `hatrick COMMAND --help` says more.
    """
    if show_version:
        typer.echo(f"hatrick {version('hatrick-bench')}")
        raise typer.Exit


@app.command()
def sweep(
    spec: Annotated[Path | None, flag("A sweep in TOML; its keys are these flags.", "FILE")] = None,
    preset: Annotated[
        str | None, flag("default, quick, scaling, gpu; peers-window ….", "NAME")
    ] = None,
    variants: Annotated[
        str | None, flag("Names; lsh:rounds=1:wrap=round, full:backend=plain.", LIST)
    ] = None,
    seq_len: Annotated[str | None, flag("Sequence lengths; 4k is 4096.", LIST)] = None,
    chunk_size: Annotated[str | None, flag("Visible local keys.", LIST)] = None,
    dim: Annotated[str | None, flag("Width of the model.", "N")] = None,
    heads: Annotated[str | None, flag("Attention heads.", "N")] = None,
    batch: Annotated[str | None, flag("Sequences in a call.", "N")] = None,
    dtype: Annotated[str | None, flag("fp32, bf16, fp16, fp64.", LIST)] = None,
    direction: Annotated[str | None, flag("forward, forward+backward.", LIST)] = None,
    causal: Annotated[str | None, flag("false, true.", LIST)] = None,
    backend: Annotated[str | None, flag("auto, or names from `hatrick variants`.", LIST)] = None,
    scope: Annotated[str | None, flag("layer, core (attention alone).", LIST)] = None,
    device: Annotated[
        str | None,
        typer.Option(
            "--device", "--devices", help="auto, cpu, cuda, cuda:0,cuda:1 or all.", metavar=LIST
        ),
    ] = None,
    cache: Annotated[str | None, flag("cold, warm; auto: cold on a GPU.", "NAME")] = None,
    cuda_graph: Annotated[
        bool | None, typer.Option("--cuda-graph", help="Time the replay of a CUDA graph.")
    ] = None,
    allocator: Annotated[str | None, flag("kept, system: freed memory.", LIST)] = None,
    wait_policy: Annotated[str | None, flag("passive, system: idle threads.", LIST)] = None,
    seed: Annotated[str | None, flag("Of inputs and parameters.", "N")] = None,
    plugin: Plugins = None,
    target: Annotated[str | None, flag("Precision that ends sampling: 0.01.", "SHARE")] = None,
    seconds: Annotated[str | None, flag("Most sampling time of a point.", "TIME")] = None,
    timeout: Annotated[str | None, flag("Longest wait for an answer.", "TIME")] = None,
    order: Annotated[str | None, flag("interleaved, sequential.", "NAME")] = None,
    budget: Annotated[str | None, flag("For the whole sweep: 90s, 10m, 1h30m.", "TIME")] = None,
    count: Annotated[
        bool | None,
        typer.Option("--count", help="Count FLOPs, operators, launches and graph breaks too."),
    ] = None,
    force: Annotated[
        bool | None, typer.Option("--force", help="Try what is predicted not to fit in memory.")
    ] = None,
    refine: Annotated[str | None, flag("crossovers: more lengths near them.", "NAME")] = None,
    out: Annotated[str | None, flag("Run file; else in results/.", "FILE.jsonl")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where this sweep stopped.")
    ] = False,
) -> None:
    """Measure every combination of the lists given.

    \b
    Examples:
      hatrick sweep --preset quick
      hatrick sweep --variants hatrick,full --seq-len 1k,4k,16k --chunk-size 64,128
      hatrick sweep --variants lsh:rounds=1,lsh:rounds=8,full --dtype fp32,bf16
      hatrick sweep --plugin mine.py --variants mine,full
      hatrick sweep --spec long.toml --resume
      hatrick sweep --preset gpu --budget 20m --devices all
      hatrick sweep --variants hatrick,full --seq-len 256,1k,4k --refine crossovers

    Flags win over the spec file, the file over the preset. Without --preset: gpu where there is a
    CUDA GPU, else default. Writes a run file and, beside it, a page (.html). A run file is never
    overwritten. --resume tries points again that crashed, timed out, were throttled or left out;
    it wants the same sweep (--timeout, --budget, --force and --refine may differ), machine,
    versions and code.

    A point is sampled until the 95% interval of its median is within --target of it on either
    side, at least 20 times, and for --seconds at most.

    --refine crossovers goes on, when all points are done, with more lengths near where one
    attention overtakes another, until that length is known to 10% (95% interval), six times at most
    and within --budget.

    \b
    Exit codes:
      0    every point is ok, unsupported here, or left out by --budget
      1    a point ran out of memory, timed out, crashed, was throttled or gave a wrong answer
      2    a mistake in the call; nothing was measured
      3    a file cannot be written any further, by a full disk say; what was measured is kept, and
           --resume goes on
      130  interrupted; --resume goes on
    """
    flags = {key: value for key, value in locals().items() if key not in ("spec", "resume")}
    typed = shlex.join([called(), *sys.argv[1:]])
    try:
        with mistakes():
            plan = _plan(flags, spec, typed, resume)
    except KeyboardInterrupt:
        typer.echo("Interrupted before anything was measured.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    try:
        with mistakes():
            _measure(plan)
    except KeyboardInterrupt:
        again = typed if resume else f"{typed} --resume"
        kept = f" What was measured is in {plan.path}." if plan.path.exists() else ""
        typer.echo(f"Interrupted.{kept} Go on with: {again}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    _finish(plan)


@app.command()
def show(runs: Runs) -> None:
    """Print the summary of runs.

    \b
    Examples:
      hatrick show results/run.jsonl
      hatrick show results/
    """
    from reports.runfile import read_readable

    with mistakes():
        read, refused = read_readable(runs)
    print_summary(read)
    print_refused(refused)


app.command()(report)
app.command()(gate)
app.command()(export)
app.add_typer(history, name="history")
app.command()(tune)
app.add_typer(profiles, name="profiles")
app.command()(selftest)


@app.command("variants")
def list_variants(device: Device = None, plugin: Plugins = None) -> None:
    """List the attentions and what runs here.

    What each computes, its options, and which backends run on this machine and why not.

    \b
    Examples:
      hatrick variants
      hatrick variants --device cpu --plugin mine.py
    """
    from rich.console import Console

    from bench.catalogue import catalogue
    from bench.device import resolve
    from bench.points import load_plugins

    with mistakes():
        load_plugins(plugin.split(",") if plugin else [])
        table = catalogue(resolve(device or "auto"))
    Console().print(table)


def _plan(flags: dict[str, Any], file: Path | None, typed: str, resume: bool) -> Plan:
    import torch

    from bench.spec import merge
    from bench.sweep import plan

    spec, preset = merge(flags, file, has_cuda=torch.cuda.is_available())
    return plan(spec, preset=preset, command=typed, resume=resume)


def _measure(plan: Plan) -> None:
    from rich.console import Console

    from bench.journal import DiskError
    from bench.progress import Display
    from bench.sweep import run

    try:
        with Display(len(plan.todo), plan.done, Console(stderr=True)) as display:
            run(plan, display)
    except DiskError as error:
        typer.echo(f"hatrick: {error}", err=True)
        raise typer.Exit(UNWRITTEN) from None


def _finish(plan: Plan) -> None:
    """Summary, page, and the exit code of the whole run."""
    import reports
    from bench.sweep import exit_code

    read = reports.read_run(plan.path)
    print_summary([read])
    typer.echo(f"\nRun file: {plan.path}")
    typer.echo(f"Page:     {write_page([read], plan.path.with_suffix('.html'), UNWRITTEN)}")
    raise typer.Exit(exit_code([record.status for record in read.latest]))
