"""Profiles and calibrations as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from hatrick.chunk_size.calibration import Calibration
from hatrick.chunk_size.profile import Evidence, Profile, Setting, Tuned
from hatrick.chunk_size.store import Stored

KEY_DIGITS = 8
"""Of a key, in a table: enough to tell apart what one user has."""
MIB = 2**20


def profiles_table(stored: Sequence[Stored[Profile]]) -> Table:
    """A row for each profile: for what it is, and the chunk size at each length."""
    table = Table("key", "for", "on, made with", title="Profiles")
    table.add_column("T: chunk size", no_wrap=True)
    table.add_column("tuned")
    table.add_column("")
    for each in stored:
        profile = each.content
        table.add_row(
            profile.key[:KEY_DIGITS],
            Text("\n".join(_layer(profile.setting)), overflow="fold"),
            Text(f"{_device(profile.setting)}\n{_made_with(profile)}"),
            "\n".join(f"{tuned.seq_len:,}: {_chosen(tuned)}" for tuned in profile.lengths),
            f"{profile.newest.created_at:%Y-%m-%d}",
            "shipped" if each.shipped else "own",
        )
    return table


def calibrations_table(stored: Sequence[Stored[Calibration]]) -> Table:
    """A row for each calibration."""
    columns = ("key", "for", "on", "ms/TFLOP", "ms/GB", "µs/chunk", "made")
    table = Table(*columns, title="Calibrations")
    for each in stored:
        one = each.content
        table.add_row(
            one.key[:KEY_DIGITS],
            Text(f"{one.variant}, {one.direction}, {one.dtype}"),
            Text(_with_threads(one.device_name, one.threads)),
            f"{one.ms_per_flop * 1e12:.4g}",
            f"{one.ms_per_byte * 1e9:.4g}",
            f"{one.ms_per_chunk * 1e3:.4g}",
            f"{one.created_at:%Y-%m-%d}",
        )
    return table


def evidence_table(tuned: Tuned) -> Table:
    """A row for each chunk size of a length: how much longer it takes than the chosen one."""
    doubt = "" if tuned.confirmed else ", not confirmed"
    title = f"T = {tuned.seq_len:,}: {_chosen(tuned)}, {tuned.latency_ms:.4g} ms{doubt}"
    columns = ("chunk size", "", "times the chosen", "95%", "workspace", "distance to full")
    table = Table(*columns, title=title)
    for each in tuned.evidence:
        verdict = "chosen" if each.chunk_size == tuned.chunk_size else ""
        table.add_row(
            str(each.chunk_size),
            "ties" if each.chunk_size in tuned.ties else verdict,
            f"{each.ratio:.3f}",
            _interval(each),
            "" if each.workspace_bytes is None else f"{each.workspace_bytes / MIB:,.1f} MiB",
            "" if each.distance_to_full is None else f"{each.distance_to_full:.3f}",
        )
    return table


def words(profile: Profile) -> list[str]:
    """What a profile is for and where it comes from, a line each."""
    lines = [
        f"Profile {profile.key}: {', '.join(_layer(profile.setting))}",
        f"On {_device(profile.setting)}; {_made_with(profile)}, code {profile.software.code}",
    ]
    if profile.constraints:
        limits = ", ".join(f"{name} {value}" for name, value in profile.constraints.items())
        lines.append(f"Under these constraints: {limits}")
    if profile.law is not None:
        law = profile.law
        lines.append(
            f"Law: {law.fixed:.3g} + {law.per_token:.3g}·T + {law.per_key:.3g}·T·n + "
            f"{law.per_cls:.3g}·T²/n + {law.per_chunk:.3g}·T/n + {law.per_pair:.3g}·(T/n)² ms with "
            f"T padded, times {law.tail:.3g} where n does not divide it; fitted to {law.lengths} "
            f"lengths from {law.since:,} to {law.until:,}, error {law.error:.1%}"
        )
    origins = {tuned.origin.run_id: tuned.origin for tuned in profile.lengths}
    for origin in origins.values():
        commit = f", commit {origin.git_commit[:KEY_DIGITS]}" if origin.git_commit else ""
        moment = f"{origin.created_at:%Y-%m-%d %H:%M}"
        lines.append(f"Run {origin.run_id}, {moment}{commit}: {origin.command}")
    return lines


def _layer(setting: Setting) -> list[str]:
    """Of which layer, of which size, and how it is called."""
    layer = setting.variant + "".join(f":{name}={value}" for name, value in setting.options.items())
    if setting.causal:
        layer += ", causal"
    if setting.backend != "auto":
        layer += f", backend {setting.backend}"
    return [
        layer,
        f"dim {setting.dim}, heads {setting.heads}, batch {setting.batch}",
        f"{setting.dtype}, {setting.direction}",
    ]


def _device(setting: Setting) -> str:
    return _with_threads(setting.device_name, setting.threads)


def _with_threads(device_name: str, threads: int) -> str:
    return f"{device_name}, {threads} thread{'s' * (threads > 1)}" if threads else device_name


def _made_with(profile: Profile) -> str:
    driver = profile.software.driver
    return f"torch {profile.software.torch}" + (f", driver {driver}" if driver else "")


def _chosen(tuned: Tuned) -> str:
    size = str(tuned.chunk_size) if tuned.confirmed else f"({tuned.chunk_size})"
    ties = ", ".join(map(str, tuned.ties))
    return f"{size} ties with {ties}" if ties else size


def _interval(each: Evidence) -> str:
    return "" if each.low is None or each.high is None else f"{each.low:.3f} to {each.high:.3f}"
