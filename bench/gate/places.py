"""Bases that are no commit: a folder, the installed copy, a release."""

from __future__ import annotations

import json
import re
import site
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from urllib.parse import unquote, urlparse

from bench.gate.overlay import has_packages
from bench.spec import SpecError

PROJECT = "hatrick-bench"
RELEASE = re.compile(r"(?:hatrick[-_.]bench)?\s*(==.+)", re.IGNORECASE)
PIP_TIMEOUT_S = 600.0


def packages_in(folder: Path) -> Path | None:
    """Where in a folder `hatrick` and `variants` lie: in itself (a checkout, a `site-packages`), in
    its `src`, or, if it is a virtual environment, where that has its packages. None: nowhere.

    Raises:
        SpecError: a virtual environment that has them installed in editable mode.
    """
    candidates = [folder, folder / "src", *_site_packages(folder)]
    for candidate in candidates:
        if has_packages(candidate):
            return candidate
    for candidate in candidates:
        for found in distributions(name=PROJECT, path=[str(candidate)]):
            if (tree := _editable_tree(found)) is not None:
                raise SpecError(
                    f"--base {folder}: {PROJECT} is installed there in editable mode, from {tree}; "
                    "give --base that folder"
                )
    return None


def is_site_packages(folder: Path) -> bool:
    """Whether a folder is one that packages are installed into, other people's too."""
    return folder.name in ("site-packages", "dist-packages") or any(folder.glob("*.dist-info"))


def installed(tree: Path) -> Path:
    """Where the copy lies that is installed in this Python environment.

    Args:
        tree: the working tree, which is head.

    Raises:
        SpecError: there is none, or it is that tree.
    """
    places = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    for place in dict.fromkeys(places):
        for found in distributions(name=PROJECT, path=[place]):
            source = _editable_tree(found)
            packages = Path(place) if source is None else source
            if source is not None and source.resolve() == tree:
                raise SpecError(
                    f"--base installed: {PROJECT} is installed in editable mode from {tree}, which "
                    "is this very tree; give a branch, a commit, a folder or a release "
                    f"(=={found.version})"
                )
            if has_packages(packages):
                return packages
    raise SpecError(
        f"--base installed: {PROJECT} is not installed in the environment of {sys.executable}; "
        "give a branch, a commit, a folder or a release (==VERSION)"
    )


def install_release(requirement: str, folder: Path) -> None:
    """Install a release, without what it depends on, into a folder; pip as the user has set it up.

    Args:
        requirement: `==0.1.0`.

    Raises:
        SpecError: pip is not there, or fails.
    """
    options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-P", "-m", "pip", "install", *options, "--target", str(folder)]
    name = f"{PROJECT}{requirement}"
    try:
        done = subprocess.run(
            [*command, name],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PIP_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise SpecError(
            f"--base {name}: pip did not install it within {PIP_TIMEOUT_S:g} s; see whether its "
            "index can be reached"
        ) from None
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it exited with {done.returncode}"]
        errors = [line for line in lines if line.startswith("ERROR: ")] or lines
        why = errors[-1].removeprefix("ERROR: ")
        raise SpecError(
            f"--base {name}: pip cannot install it ({why}); see that there is such a release and "
            "that pip can reach it, or give --base a folder or a commit"
        )
    if not has_packages(folder):
        raise SpecError(f"--base {name}: that release has no packages hatrick and variants")


def _site_packages(environment: Path) -> Iterator[Path]:
    if (environment / "pyvenv.cfg").is_file():
        for pattern in ("lib/python*/site-packages", "Lib/site-packages"):
            yield from sorted(environment.glob(pattern))


def _editable_tree(found: Distribution) -> Path | None:
    """The folder that an editable install stands for."""
    text = found.read_text("direct_url.json")
    if text is None:
        return None
    direct = json.loads(text)
    if not direct.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(direct["url"]).path))
