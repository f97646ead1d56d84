import re
from xml.etree import ElementTree

import pytest
from junitparser import Failure, JUnitXml, Skipped

from reports.gate.junit import to_junit
from reports.gate.result import Outcome
from reports.schema import Status

# The children and attributes that junit-10.xsd of the Jenkins xUnit plug-in allows, of those used.
SCHEMA = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"properties", "testcase", "system-out"},
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
    ),
    "properties": ({"property"}, set()),
    "property": (set(), {"name", "value"}),
    "testcase": ({"skipped", "failure", "system-out"}, {"name", "classname"}),
    "failure": (set(), {"message", "type"}),
    "skipped": (set(), {"message", "type"}),
    "system-out": (set(), set()),
}


def read(text):
    (suite,) = JUnitXml.fromstring(text.encode())
    return suite


def test_a_point_is_a_test_case_and_what_got_worse_its_failure(everything):
    suite = read(to_junit(everything))
    cases = {case.name: case for case in suite}
    assert list(cases) == [point.name for point in everything.points]
    for point in everything.points:
        failures = [one for one in cases[point.name].result if isinstance(one, Failure)]
        assert len(failures) == (point.outcome is Outcome.FAILED)
    (slower,) = cases["hatrick n=64, T=1k, forward"].result
    assert slower.message == "1.12× as long (1.09–1.15)"
    assert "latency 2.00 ms → 2.24 ms" in slower.text
    assert cases["full, T=1k, forward"].classname == "gate.full"
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (11, 4, 0, 0)


def test_what_is_unsure_passes_and_if_strict_is_skipped(everything):
    for strict in (False, True):
        suite = read(to_junit(everything, strict=strict))
        unsure = next(case for case in suite if case.name == "lsh n=64, T=1k, forward")
        assert suite.skipped == len(unsure.result) == strict
        said = unsure.result[0].message if strict else unsure.system_out
        assert "about 12 more blocks would settle it" in said
        assert all(isinstance(one, Skipped) for one in unsure.result)


def test_the_suite_says_what_was_compared_where(everything):
    properties = {one.name: one.value for one in read(to_junit(everything)).properties()}
    assert properties["base"] == "main (0123abc0123a)"
    assert properties["head"] == "working tree (4567def4567d, with changes)"
    assert properties["devices"] == "Example CPU 9000"
    assert properties["limit"] == "6.2%"


@pytest.mark.parametrize("strict", [False, True])
def test_it_has_nothing_but_what_the_schema_allows(everything, strict):
    root = ElementTree.fromstring(to_junit(everything, strict=strict))
    assert root.tag == "testsuites"
    for element in root.iter():
        children, attributes = SCHEMA[element.tag]
        assert {child.tag for child in element} <= children
        assert set(element.attrib) <= attributes
        assert re.fullmatch(r"\d+(\.\d{1,3})?", element.get("time", "0"))


def test_signs_that_xml_does_not_know_do_not_break_it(result, judged, failed):
    bad = "\x1b[31mkilled\x00 & <b> \ud800 ]]>"
    (case,) = read(to_junit(result([judged("<p>\x07", head=failed(Status.CRASHED, bad))])))
    assert case.name == "<p>�"
    assert "�[31mkilled� & <b> � ]]>" in case.result[0].message
