"""A real browser, and pages to look at with it."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import pytest

from reports.page.page import write_page
from reports.schema import Status

HARMFUL = '</script><script>window.harm=1</script><img src=x onerror="window.harm=1">'
DRAWN_WITHIN_MS = 30_000


@pytest.fixture(scope="session")
def harmful() -> str:
    """A name that would run as a script if it were not escaped."""
    return HARMFUL


@dataclass
class Seen:
    """A page in the browser, and what went wrong there."""

    page: object
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    clock: object = None

    def until_drawn(self) -> None:
        """Wait until every chart that can be seen is drawn."""
        self.page.wait_for_selector(
            "html[data-drawn='all']", state="attached", timeout=DRAWN_WITHIN_MS
        )

    def busy_s(self) -> float:
        """Seconds of the processor that the page's main thread took so far."""
        metrics = self.clock.send("Performance.getMetrics")["metrics"]
        return next(one["value"] for one in metrics if one["name"] == "TaskDuration")


def _looking(browser) -> Iterator[Callable[..., Seen]]:
    contexts = []

    def opened(
        path: Path,
        fragment: str = "",
        width: int = 1280,
        is_timed: bool = False,
        **options: object,
    ) -> Seen:
        viewport = {"width": width, "height": 900}
        context = browser.new_context(viewport=viewport, **options)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("pageerror", lambda error: seen.errors.append(str(error)))
        seen.page.on("console", lambda message: seen.errors.append(message.text))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        if is_timed:
            seen.clock = context.new_cdp_session(seen.page)
            seen.clock.send("Performance.enable", {"timeDomain": "threadTicks"})
        seen.page.goto(path.as_uri() + fragment)
        return seen

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def look(browser) -> Iterator[Callable[..., Seen]]:
    """Opens a page: `look(path, fragment="", width=1280, **context)`."""
    yield from _looking(browser)


@pytest.fixture(scope="module")
def look_once(browser) -> Iterator[Callable[..., Seen]]:
    """`look` for a page that several tests look at, and none changes."""
    yield from _looking(browser)


@pytest.fixture(scope="session")
def scripts(browser) -> Iterator[Callable[..., object]]:
    """An empty page with some of the page's own scripts in it: `scripts("format.js", …)`."""
    folder = resources.files("reports.page")
    context = browser.new_context()

    def loaded(*names: str) -> object:
        page = context.new_page()
        for name in names:
            page.add_script_tag(content=folder.joinpath(name).read_text("utf-8"))
        return page

    yield loaded
    context.close()


@pytest.fixture(scope="session")
def everything(run, sweep, record) -> list:
    """A run with all there can be: two directions, failures, a wrong answer, bad names."""
    records = [
        *sweep(),
        *sweep(lengths=(256, 512, 1024), direction="forward+backward", causal=True),
        record("mine " + HARMFUL, 512, interval=False, oracle="self", distance=None),
        record("full", 128, status=Status.CRASHED, reason=f"RuntimeError: {HARMFUL}"),
        record("lsh", 256, chunk_size=16, status=Status.DISAGREES, oracle_error=0.3),
        record("hatrick", 256, chunk_size=16, status=Status.THROTTLED),
        record("hatrick", 16384, status=Status.LEFT_OUT, predicted=True, reason="no room for it"),
        record("full", 16384, status=Status.OUT_OF_MEMORY, predicted=True, reason="needs 9 GiB"),
    ]
    return [run(records, damaged=[f"run-a.jsonl, line 7: {HARMFUL}"])]


@pytest.fixture(scope="session")
def page(everything, tmp_path_factory) -> Path:
    """The page of that run."""
    return write_page(everything, tmp_path_factory.mktemp("page") / "deep" / "page.html")


@pytest.fixture(scope="session")
def text(page) -> str:
    """The page's text without what it carries packed."""
    whole = page.read_text("utf-8")
    return re.sub(r'(<script type="text/plain" id="\w+">)[^<]*', r"\1", whole)


@pytest.fixture(scope="session")
def carried(page) -> dict:
    """What the page carries for its script."""
    return unpacked(page)


def unpacked(page: Path) -> dict:
    """What a page carries for its script."""
    content = re.search(r'id="data">([^<]*)<', page.read_text("utf-8"))[1]
    return json.loads(gzip.decompress(base64.b64decode(content)))
