"""The spec of a sweep: what to measure, merged from flags, a TOML file and a preset."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bench.budget import parse_duration
from reports.schema import Allocator, Direction, Order, Scope, WaitPolicy

DTYPES = {
    "float32": "float32",
    "float64": "float64",
    "bfloat16": "bfloat16",
    "float16": "float16",
    "fp32": "float32",
    "fp64": "float64",
    "bf16": "bfloat16",
    "fp16": "float16",
}
"""Names that are read for a dtype, and torch's name for each."""


class SpecError(ValueError):
    """A sweep that cannot be read; the message says where, what is allowed and what to do."""


def _length(value: object) -> object:
    """`4k` or `4096` as a number of tokens (k = 1024)."""
    if isinstance(value, str):
        digits, k = (value[:-1], 1024) if value[-1:] in ("k", "K") else (value, 1)
        if not (digits.isascii() and digits.isdigit()):
            raise ValueError(f"cannot read {value!r} as a size; write 4096 or 4k (k = 1024)")
        return int(digits) * k
    return value


def _dtype(value: object) -> str:
    if value not in DTYPES:
        raise ValueError(f"no dtype {value!r}; choose from {', '.join(DTYPES)}")
    return DTYPES[str(value)]


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _run_file(value: str) -> str:
    # The page takes the same name with .html: it must not replace the run file.
    if not value.endswith(".jsonl"):
        raise ValueError(f"a run file's name ends in .jsonl, got {value!r}")
    return value


def _as_list(value: object) -> object:
    """A list from a single value or from text separated by commas; TOML and flags read alike."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value if isinstance(value, list) else [value]


def _without_repeats(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


Size = Annotated[int, BeforeValidator(_length), Field(ge=1, strict=True)]
Dtype = Annotated[str, BeforeValidator(_dtype)]
Seconds = Annotated[float, BeforeValidator(_duration), Field(gt=0, allow_inf_nan=False)]
_List = (BeforeValidator(_as_list), AfterValidator(_without_repeats))
_AtLeastOne = Field(min_length=1)


class SweepSpec(BaseModel):
    """What to measure: one point for every combination of the lists.

    The values here are the built-in defaults, the last to be asked.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    variants: Annotated[list[str], *_List, _AtLeastOne] = ["hatrick", "full"]
    """Names, with options after colons: `lsh:rounds=1:wrap=round`. `full:backend=flex` names the
    backend of that entry alone."""
    seq_len: Annotated[list[Size], *_List, _AtLeastOne] = [256, 512, 1024]
    """Sequence lengths T."""
    chunk_size: Annotated[list[Size], *_List, _AtLeastOne] = [128]
    """Visible local keys; variants that have no chunks get one point."""
    dim: Size = 512
    """Width of the model."""
    heads: Size = 8
    batch: Size = 1
    dtype: Annotated[list[Dtype], *_List, _AtLeastOne] = ["float32"]
    direction: Annotated[list[Direction], *_List, _AtLeastOne] = ["forward"]
    causal: Annotated[list[bool], *_List, _AtLeastOne] = [False]
    backend: Annotated[list[str], *_List, _AtLeastOne] = ["auto"]
    """Of the variants whose entry names none."""
    scope: Annotated[list[Scope], *_List, _AtLeastOne] = ["layer"]
    device: Annotated[list[str], *_List, _AtLeastOne] = ["auto"]
    """`auto`: the first CUDA GPU if there is one, else the CPU; `all`: all CUDA GPUs, which must be
    of one model and share the points."""
    cache: Literal["auto", "cold", "warm"] = "auto"
    """The last-level cache before each call; `auto`: cold on a GPU, warm on a CPU."""
    cuda_graph: bool = False
    """Capture each call in a CUDA graph and time its replay."""
    allocator: Annotated[list[Allocator], *_List, _AtLeastOne] = ["kept"]
    """What the worker's malloc does with memory that is freed."""
    wait_policy: Annotated[list[WaitPolicy], *_List, _AtLeastOne] = ["passive"]
    """What the worker's idle threads do."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Of inputs and parameters."""
    plugin: Annotated[list[str], *_List] = []
    """Python files that register variants, or modules by their dotted names."""
    out: Annotated[str, AfterValidator(_run_file)] | None = None
    """The run file; None: `results/<time>-<preset>.jsonl`."""
    target: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Half the width of the median's 95% interval, relative to the median, that ends sampling."""
    seconds: Seconds = 2.0
    """Most sampling time of one point; the least number of samples may take longer."""
    timeout: Seconds = 120.0
    """After so long without an answer a point is given up; a point gives many answers."""
    order: Order = "interleaved"
    """Points that will be compared take turns; `sequential`: one after another."""
    budget: Seconds | None = None
    """Time for the whole sweep; points that do not fit in are left out."""
    count: bool = False
    """Count FLOPs, operators, launches and graph breaks of a call too."""
    force: bool = False
    """Try points too that are predicted to run out of memory."""
    refine: Literal["crossovers"] | None = None
    """`crossovers`: when the points are done, measure more lengths near where one attention
    overtakes another, until it is known to a tenth from which length."""


KEYS = (*SweepSpec.model_fields, "preset")


def merge(
    flags: Mapping[str, Any],
    file: Path | None = None,
    *,
    has_cuda: bool = False,
    usual: str | None = None,
) -> tuple[SweepSpec, str]:
    """The spec and the name of its preset. Flags win over the file, the file over the preset, the
    preset over the built-in defaults; None means inherit. Where none is named, the preset is the
    usual one; without one, `gpu` on a machine with CUDA, unless the CPU is asked for, and `default`
    elsewhere.

    Args:
        flags: values of the command line by key.
        file: a spec in TOML; the plug-in files it names are relative to it.
        has_cuda: whether this machine has a CUDA device.
        usual: the preset where none is named.

    Raises:
        SpecError: an unknown key or preset, a value that is not allowed, no TOML.
    """
    layers = [{key: (f"--{key.replace('_', '-')}", value) for key, value in flags.items()}]
    if file is not None:
        layers.append({key: (f"{file}: {key}", value) for key, value in _read(file).items()})

    def first(key: str) -> Any:
        values = [layer[key][1] for layer in layers if key in layer]
        return next((value for value in values if value is not None), None)

    found = "gpu" if has_cuda and first("device") != "cpu" else "default"
    preset = str(first("preset") or usual or found)
    layers.append({key: (f"preset {preset}: {key}", v) for key, v in read_preset(preset).items()})

    merged: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for layer in reversed(layers):
        for key, (source, value) in layer.items():
            if value is not None and key != "preset":
                merged[key], sources[key] = value, source
    try:
        return SweepSpec.model_validate(merged), preset
    except ValidationError as error:
        raise SpecError(_sentence(error, sources)) from None


def presets() -> list[str]:
    """Names of the presets that ship with the package."""
    return sorted(f.name.removesuffix(".toml") for f in _preset_files())


def read_preset(name: str) -> dict[str, Any]:
    """The keys that a preset sets.

    Raises:
        SpecError: there is no such preset.
    """
    for file in _preset_files():
        if file.name == f"{name}.toml":
            return tomllib.loads(file.read_text("utf-8"))
    raise SpecError(f"no preset {name!r}; choose from {', '.join(presets())}")


def _preset_files() -> list[Traversable]:
    return [f for f in resources.files("bench.presets").iterdir() if f.name.endswith(".toml")]


def _read(file: Path) -> dict[str, Any]:
    """The keys of a spec file."""
    try:
        table = tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        raise SpecError(f"spec {file}: cannot be read ({error.strerror})") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise SpecError(f"spec {file}: not a TOML file ({error})") from None
    for key in table:
        if key not in KEYS:
            near = get_close_matches(key.replace("-", "_"), KEYS, n=1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise SpecError(f"{file}: no key {key!r}; {hint}Allowed: {', '.join(KEYS)}")
    if "plugin" in table:
        # Here, for torch comes with it, and a run is shown without torch.
        from variants.registry import is_plugin_file

        listed: Any = _as_list(table["plugin"])
        table["plugin"] = [
            str(file.parent / name) if is_plugin_file(name) else name for name in map(str, listed)
        ]
    return table


def _sentence(error: ValidationError, sources: Mapping[str, str]) -> str:
    """The first complaint, with where the value came from."""
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] != "value_error":
        message = f"{message[0].lower()}{message[1:]}, got {first['input']!r}"
    return f"{sources[key]}: {message}"
