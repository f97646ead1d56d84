"""The command `hatrick gate`."""

from __future__ import annotations

import shlex
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.console import (
    INTERRUPTED,
    LIST,
    MISTAKE,
    Device,
    Plugins,
    called,
    flag,
    mistakes,
    refuse,
)
from bench.gate.signals import sigterm_ends_orderly

RESULTS = Path("results")


def gate(
    base: Annotated[
        str | None, flag("A git ref, folder, `installed` or ==VERSION; else HEAD.", "BASE")
    ] = None,
    baseline: Annotated[Path | None, flag("A stored run instead of --base.", "FILE.jsonl")] = None,
    allow: Annotated[
        str | None, flag("Of --baseline: what may differ; device, torch ….", LIST)
    ] = None,
    limit: Annotated[
        str | None, flag("Slowdown that is allowed; else 5%, on a GPU 2%.", "SHARE")
    ] = None,
    rate: Annotated[float, typer.Option(help="False discovery rate over all points.")] = 0.05,
    blocks: Annotated[int, typer.Option(help="Of four fresh processes each.")] = 6,
    settle: Annotated[
        bool, typer.Option("--settle", help="Take more blocks of points that are unsure.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="No timings, only what has no noise.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 where a point is unsure.")
    ] = False,
    selftest: Annotated[
        bool, typer.Option("--selftest", help="Show that the gate catches what it should.")
    ] = False,
    out: Annotated[Path | None, flag("Its files; else results/gate-<time>/.", "DIR")] = None,
    spec: Annotated[Path | None, flag("What to measure, in TOML, as of a sweep.", "FILE")] = None,
    preset: Annotated[str | None, flag("As of a sweep; else gate.", "NAME")] = None,
    variants: Annotated[
        str | None, flag("Names; of a plug-in, else, all it registers.", LIST)
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
    device: Device = None,
    plugin: Plugins = None,
    seconds: Annotated[str | None, flag("Sampling time of a point, both sides.", "TIME")] = None,
    timeout: Annotated[str | None, flag("Longest wait for an answer.", "TIME")] = None,
) -> None:
    """Say whether a change made an attention slower, bigger or wrong.

    \b
    Examples:
      hatrick gate                          the working tree against its last commit
      hatrick gate --base main --settle     a branch against main
      hatrick gate --base v1.2 --variants hatrick,lsh --seq-len 512,4k
      hatrick gate --plugin mine.py --base HEAD~1
      hatrick gate --exact                  no timings: any machine, however busy
      hatrick gate --baseline head.jsonl    an earlier gate's run of its head
      hatrick gate --selftest

    Base and head run on this machine in turns, in fresh processes. A point is slower where its
    ratio is above 1 + --limit and chance does not explain it, at a false discovery rate of --rate
    over all points. What has no noise (status, workspace, FLOPs, operators, kernel launches, graph
    breaks, oracle error, distance to full) may not grow, or by its stated tolerance alone;
    docs/ci.md says more.

    --allow takes device, threads, torch, driver, python, variables; timings are advisory then.

    \b
    Exit codes:
      0    nothing got worse
      1    something did
      2    a mistake in the call or the set-up: nothing was compared, or a file cannot be written
      3    with --strict: a point is unsure, and nothing is known to be worse
      130  interrupted
    """
    keys = (
        "preset variants seq_len chunk_size dim heads batch dtype direction causal backend scope "
        "device plugin seconds timeout"
    )
    values = locals()
    flags = {key: values[key] for key in keys.split()}
    try:
        with mistakes(), sigterm_ends_orderly():
            if selftest:
                given = {"--base": base, "--baseline": baseline, "--limit": limit}
                if unused := [name for name, value in given.items() if value is not None]:
                    refuse(f"{unused[0]} is nothing to --selftest, which compares with itself")
                _selftest(flags, spec, out)
            found, page = _gate(
                flags,
                spec,
                out or RESULTS / f"gate-{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
                strict,
                base=base,
                baseline=baseline,
                allow=allow,
                limit=limit,
                rate=rate,
                blocks=blocks,
                exact=exact,
                settle=settle,
            )
    except KeyboardInterrupt:
        typer.echo("Interrupted; nothing was compared.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"\nPage: {page}")
    raise typer.Exit(found)


def _gate(
    flags: dict[str, Any], file: Path | None, out: Path, strict: bool, **asked: Any
) -> tuple[int, Path]:
    """Its exit code, and its page."""
    from rich.console import Console

    from bench.gate.compare import compare
    from bench.gate.outputs import check_free, write_outputs
    from bench.gate.request import request
    from bench.stages import Stages
    from reports.gate.outcome import exit_code
    from reports.gate.table import rich_result

    typed = shlex.join([called(), *sys.argv[1:]])
    wanted = request(flags, file, command=typed, folder=Path.cwd(), **asked)
    was_there = out.exists()
    check_free(out)
    try:
        with Stages(Console(stderr=True)) as shown:
            compared = compare(wanted, shown)
    except BaseException:
        if not was_there:
            with suppress(OSError):
                out.rmdir()  # made for nothing
        raise
    Console().print(rich_result(compared.result))
    try:
        page = write_outputs(compared, out, strict=strict)
    except OSError as error:
        typer.echo(
            f"hatrick: {error.filename or out} cannot be written ({error.strerror})", err=True
        )
        raise typer.Exit(MISTAKE) from None
    return exit_code(compared.result.outcome, strict), page


def _selftest(flags: dict[str, Any], file: Path | None, out: Path | None) -> None:
    from rich.console import Console

    from bench.gate.selftest import run_selftest
    from bench.selftest.run import check_writable
    from bench.stages import Stages

    if out is not None:
        check_writable(out)  # now, and not when the figures are there
    with Stages(Console(stderr=True)) as shown:
        report = run_selftest(flags, file, Path.cwd(), shown)
    Console().print(report.table())
    if out is not None:
        out.write_text(report.model_dump_json(indent=1) + "\n", "utf-8")
    raise typer.Exit(0 if report.passed else 1)
