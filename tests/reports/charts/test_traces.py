import json

import numpy as np

from reports.charts import traces


def test_every_kind_is_plain_json():
    kinds = [
        traces.each(),
        traces.best("latency_ms", "latency_low_ms", "latency_high_ms"),
        traces.cells(),
        traces.made(np.array([3, 4]), alone=True),
    ]
    assert [json.loads(json.dumps(kind))["kind"] for kind in kinds] == [
        "each",
        "best",
        "cells",
        "made",
    ]


def test_what_was_made_of_rows_says_of_which_and_when_it_is_shown():
    assert traces.made([np.int64(3)]) == {"kind": "made", "rows": [3], "alone": False, "any": False}
    assert traces.made([1], of_any=True)["any"] is True
