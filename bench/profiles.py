"""The commands `hatrick profiles`: which chunk sizes are known to be best, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.console import MISTAKE, print_refused, refuse, writing

if TYPE_CHECKING:
    from rich.console import Console

    from hatrick.chunk_size.calibration import Calibration
    from hatrick.chunk_size.profile import Profile
    from hatrick.chunk_size.store import Stored

    Entry = Stored[Profile] | Stored[Calibration]

profiles = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help='Chunk sizes that were tuned, for chunk_size="auto".',
)

Key = Annotated[str, typer.Argument(help="First digits of its key.", metavar="KEY")]


@profiles.command("list")
def list_profiles() -> None:
    """List the profiles and calibrations that there are.

    \b
    Examples:
      hatrick profiles list

    Your own, which `hatrick tune` makes, and those that come with the package. A chunk size in
    brackets was not confirmed in a fresh process: chunk_size="auto" does not take it.

    \b
    Exit codes:
      0    they are listed; files that cannot be read are named
    """
    from bench.profile_tables import calibrations_table, profiles_table
    from hatrick.chunk_size import store

    found, calibrated = store.profiles(), store.calibrations()
    console = _console()
    if found.stored:
        console.print(profiles_table(found.stored))
    if calibrated.stored:
        console.print(calibrations_table(calibrated.stored))
    print_refused([*found.refused, *calibrated.refused])
    count = len(found.stored)
    typer.echo(f"{count} profile{'s' * (count != 1)}; your own are in {store.folder()}")
    if not found.stored:
        typer.echo("`hatrick tune` makes one, and `hatrick profiles import FILE` takes one over.")


@profiles.command()
def show(key: Key) -> None:
    """Show a profile with its evidence, or a calibration.

    \b
    Examples:
      hatrick profiles show 1a2b3c4d

    \b
    Exit codes:
      0    it is shown
      2    there is none, or more than one
    """
    from bench.profile_tables import calibrations_table, evidence_table, words
    from hatrick.chunk_size.profile import Profile
    from hatrick.chunk_size.store import Stored

    entry, console = _one(key), _console()
    if not isinstance(entry.content, Profile):
        console.print(calibrations_table([Stored(entry.content, entry.path)]))
    else:
        for line in words(entry.content):
            typer.echo(line)
        for tuned in entry.content.lengths:
            console.print(evidence_table(tuned))
    typer.echo(f"File: {entry.path}")


@profiles.command()
def export(key: Key, file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write a profile to a file, to take it to another machine.

    \b
    Examples:
      hatrick profiles export 1a2b3c4d h200.json

    \b
    Exit codes:
      0    it is written
      2    there is no such profile, or the file is there already or cannot be written
    """
    from hatrick.chunk_size.profile import Profile

    entry = _one(key)
    if not isinstance(entry.content, Profile):
        refuse(
            f"{entry.content.key} is a calibration, of this device alone; export is for profiles"
        )
    with writing(file, MISTAKE):
        try:
            place = file.open("x", encoding="utf-8")
        except FileExistsError:
            refuse(f"{file} exists and is never overwritten; choose another name")
        with place:
            place.write(entry.content.model_dump_json(indent=1) + "\n")
    typer.echo(f"{file}: profile {entry.content.key}")


@profiles.command("import")
def import_files(files: Annotated[list[Path], typer.Argument(metavar="FILE…")]) -> None:
    """Take over profiles from files.

    \b
    Examples:
      hatrick profiles import h200.json
      hatrick profiles import their-profiles/*.json

    Lengths that a profile of yours has besides stay; of those in both, what was tuned last counts.

    \b
    Exit codes:
      0    all are taken over
      2    one could not be read, or not kept; all others are there
    """
    from hatrick.chunk_size import store

    failed = False
    for file in files:
        try:
            profile = store.load(file)
        except store.ProfileError as error:
            typer.echo(f"hatrick: {error}", err=True)
            failed = True
            continue
        with writing(store.folder(), MISTAKE):
            place = store.save(profile)
        typer.echo(f"{file}: profile {profile.key}, now in {place}")
    raise typer.Exit(MISTAKE if failed else 0)


@profiles.command()
def delete(key: Key) -> None:
    """Delete a profile or calibration of your own.

    \b
    Examples:
      hatrick profiles delete 1a2b3c4d

    \b
    Exit codes:
      0    it is gone
      2    there is none, more than one, it comes with the package, or cannot be deleted
    """
    entry = _one(key)
    if entry.shipped:
        refuse(
            f"{entry.content.key} comes with the package and stays; where you have tuned the same "
            "setting yourself, yours is taken"
        )
    try:
        entry.path.unlink()
    except OSError as error:
        refuse(f"{entry.path} cannot be deleted ({error.strerror or error})")
    typer.echo(f"Deleted: {entry.path}")


def _one(key: str) -> Entry:
    """The profile or calibration whose key begins so."""
    from hatrick.chunk_size import store

    found, calibrated = store.profiles(), store.calibrations()
    print_refused([*found.refused, *calibrated.refused])
    everything: list[Entry] = [*found.stored, *calibrated.stored]
    if not everything:
        refuse("there is no profile yet; `hatrick tune` makes one")
    digits = key.lower()
    fitting = [entry for entry in everything if entry.content.key.startswith(digits)]
    if not fitting:
        keys = ", ".join(entry.content.key for entry in everything)
        refuse(f"no profile's key begins with {key!r}; there is {keys}")
    if len(fitting) > 1:
        keys = ", ".join(f"{entry.content.key} ({entry.path.name})" for entry in fitting)
        refuse(f"{key!r} begins {len(fitting)} keys, so give more digits: {keys}")
    return fitting[0]


def _console() -> Console:
    from rich.console import Console

    console = Console()
    # Narrower than this a table would have to cut numbers; the terminal folds whole lines.
    console.width = max(120, console.width)
    return console
