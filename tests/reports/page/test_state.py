import pytest

FILTERS = [
    {"field": "variant", "values": ["full", "a,b"], "start": ["full", "a,b"], "codes": [0, 1]},
    {"field": "dtype", "values": ["float32", "bfloat16"], "start": ["float32"], "codes": [0, 1]},
]


@pytest.fixture
def page(scripts):
    page = scripts("data.js", "state.js")
    page.evaluate(
        "filters => { data = { hover: ['', ''], columns: { latency_ms: [1, 2] }, filters }; }",
        FILTERS,
    )
    return page


def read(page, fragment):
    """The state that an address gives, and the address that this state gives."""
    return page.evaluate(
        """fragment => {
          location.hash = fragment;
          readAddress();
          const chosen = Object.fromEntries([...state.chosen].map(([k, v]) => [k, [...v]]));
          const { sort, find, page, at } = state;
          return { ...chosen, sort, find, page, at, address: address() };
        }""",
        fragment,
    )


def test_without_an_address_all_is_as_at_the_start(page):
    state = read(page, "")
    assert state["variant"] == ["full", "a,b"]
    assert state["dtype"] == ["float32"]
    assert state["address"] == "#"


@pytest.mark.parametrize(
    "fragment",
    [
        "#variant=a%2Cb",
        "#variant=",
        "#dtype=float32,bfloat16&sort=-latency_ms&find=out%20of&page=3&at=memory",
    ],
)
def test_an_address_is_restored(page, fragment):
    assert read(page, fragment)["address"] == fragment


def test_a_bare_anchor_leads_to_its_part(page):
    assert read(page, "#memory")["at"] == "memory"


def test_what_the_page_does_not_know_is_left_out(page):
    state = read(page, "#dtype=float99&colour=red&sort=nothing&page=x&find=%E0%A4%A&variant=full")
    assert state["dtype"] == ["float32"]
    assert state["variant"] == ["full"]
    assert (state["sort"], state["find"], state["page"]) == ("", "", 1)


def test_a_row_passes_only_if_all_its_values_are_chosen(page):
    page.evaluate("location.hash = '#dtype=float32,bfloat16&variant=full'; ")
    page.evaluate("readAddress(); applyFilters();")
    assert page.evaluate("[passes(0), passes(1)]") == [True, False]
