import itertools

import pytest

from reports.frame import to_frame
from reports.palette import DASHES, NAMED, NEUTRAL, OTHERS, SEQUENCE, faded, styles

GROUNDS = ("#ffffff", "#14171b")
"""The page's grounds in light and in dark."""


def luminance(colour):
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("colour", [*NAMED.values(), *OTHERS, NEUTRAL, *SEQUENCE])
@pytest.mark.parametrize("ground", GROUNDS)
def test_every_colour_stands_out_on_both_grounds(colour, ground):
    lighter, darker = sorted((luminance(colour), luminance(ground)), reverse=True)
    assert (lighter + 0.05) / (darker + 0.05) >= 3


def deuteranope(colour):
    """How a reader without green cones sees a colour (Machado et al., 2009, severity 1)."""
    parts = [(int(colour[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)]
    rows = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))
    return [sum(w * p for w, p in zip(row, parts, strict=True)) for row in rows]


def test_the_four_attentions_differ_for_colour_blind_readers():
    for one, two in itertools.combinations(NAMED.values(), 2):
        seen = zip(deuteranope(one), deuteranope(two), strict=True)
        assert max(abs(a - b) for a, b in seen) > 0.1


def test_labels_of_a_variant_share_its_colour_and_differ_in_dash_and_symbol(run, record):
    made = [record("lsh", options={"rounds": n}) for n in (1, 2, 4)]
    found = styles(to_frame([run([*made, record("full"), record("hatrick")])]))
    assert list(found) == ["hatrick", "full", "lsh · rounds=1", "lsh · rounds=2", "lsh · rounds=4"]
    lsh = [look for label, look in found.items() if label.startswith("lsh")]
    assert {look.colour for look in lsh} == {NAMED["lsh"]}
    assert len({look.dash() for look in lsh}) == 3
    assert len({look.symbol for look in found.values()}) == 5


def test_plug_ins_get_colours_of_their_own(run, record):
    found = styles(to_frame([run([record(name) for name in ("zeta", "alpha", "full")])]))
    assert list(found) == ["full", "alpha", "zeta"]
    assert len({look.colour for look in found.values()}) == 3


def test_settings_differ_in_dash(run, record):
    (look,) = styles(to_frame([run([record()])])).values()
    assert [look.dash(setting) for setting in range(len(DASHES))] == list(DASHES)


def test_a_faded_colour_is_the_same_colour():
    assert faded("#d55e00", 0.25) == "rgba(213, 94, 0, 0.25)"
