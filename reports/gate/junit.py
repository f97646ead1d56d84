"""A gate's result as JUnit XML, which every CI shows: a test case a point."""

from __future__ import annotations

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from reports import units
from reports.gate.notes import notes
from reports.gate.result import Outcome, PointResult, Result
from reports.gate.words import changes, headline, settling, side, slowdown, worse

SUITE = "hatrick gate"
NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""XML 1.0, section 2.2: no escape makes these legal, and a crash's reason may hold them."""


def to_junit(result: Result, *, strict: bool = False) -> str:
    """JUnit XML as the Jenkins xUnit plug-in's junit-10.xsd has it: one suite, a test case a point,
    its class the attention.

    A point that got worse is a failure whose message says what. No case has a time: it would be
    read as that of the test, and a latency is no such thing.

    Args:
        strict: an unsure point is a skipped test. Otherwise it passes, and its output says what it
            would need, as the exit code has it.
    """
    unsure = sum(point.outcome is Outcome.UNSURE for point in result.points)
    counts = {
        "name": SUITE,
        "tests": str(len(result.points)),
        "failures": str(sum(point.outcome is Outcome.FAILED for point in result.points)),
        "errors": "0",
        "time": f"{result.seconds:.3f}",
    }
    root = Element("testsuites", counts)
    more = {"skipped": str(unsure if strict else 0), "timestamp": f"{result.created_at:%FT%T}"}
    suite = SubElement(root, "testsuite", counts | more)
    properties = SubElement(suite, "properties")
    for name, value in _properties(result).items():
        SubElement(properties, "property", name=name, value=_legal(value))
    for point in result.points:
        _add_case(suite, point, result.advisory, strict)
    SubElement(suite, "system-out").text = _legal("\n".join([headline(result), *notes(result)]))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _add_case(suite: Element, point: PointResult, advisory: str, strict: bool) -> None:
    shown = point.head or point.base
    of = f"gate.{shown.variant}" if shown else "gate"
    case = SubElement(suite, "testcase", name=_legal(point.name), classname=_legal(of))
    said = _legal("\n".join(_said(point)))
    if point.outcome is Outcome.FAILED:
        message = _legal("; ".join(worse(point, advisory)))
        SubElement(case, "failure", message=message, type="worse").text = said
    elif point.outcome is Outcome.UNSURE and strict:
        SubElement(case, "skipped", message=_legal("; ".join(_said(point))), type="unsure")
    elif said:
        SubElement(case, "system-out").text = said


def _said(point: PointResult) -> list[str]:
    """All that there is to say of a point, a line a figure."""
    timing = point.timing
    lines = changes(point)
    if timing is not None:
        times = f"{units.duration(timing.base_ms)} → {units.duration(timing.head_ms)}"
        lines = [f"latency {times}: {slowdown(timing)}, {timing.verdict}", *lines]
    if point.outcome is Outcome.UNSURE:
        lines.append(settling(point))
    return list(filter(None, lines))


def _properties(result: Result) -> dict[str, str]:
    found = {
        "command": result.command,
        "base": side(result.base),
        "head": side(result.head),
        "devices": ", ".join(result.environment.get("devices", {}).values()),
        "torch": result.environment.get("packages", {}).get("torch", ""),
        "limit": units.percent(result.limit),
        "false discovery rate": units.percent(result.rate),
        "noise floor": units.percent(result.noise.floor) if result.noise else "",
        "advisory": result.advisory,
    }
    return {name: value for name, value in found.items() if value}


def _legal(text: str) -> str:
    return NOT_IN_XML.sub("�", text)
