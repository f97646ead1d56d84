import io
import random
import struct

import pandas as pd
import pytest

from reports.frame import flat, to_frame


def test_floats_are_written_as_python_writes_them(scripts):
    drawn = random.Random(3)
    bits = (struct.unpack("d", struct.pack("Q", drawn.getrandbits(64)))[0] for _ in range(2000))
    numbers = [number for number in bits if abs(number) < float("inf")]
    numbers += [0.0, 1.0, 0.1, 100.0, 1e-4, 1e-5, 9.9e-5, 1e15, 1e16, 123456789012345680.0, -2.5]
    written = scripts("format.js", "csv.js").evaluate("n => n.map(pythonFloat)", numbers)
    assert written == [repr(number) for number in numbers]


def downloaded(seen, tmp_path):
    with seen.page.expect_download() as waiting:
        seen.page.click("#csv")
    path = tmp_path / "points.csv"
    waiting.value.save_as(path)
    return path.read_text("utf-8"), waiting.value.suggested_filename


def test_the_csv_of_all_points_is_the_frame(look, page, everything, tmp_path):
    seen = look(page, "#direction=forward,forward%2Bbackward&causal=True,False")
    seen.until_drawn()
    text, name = downloaded(seen, tmp_path)
    assert name == "page.csv"
    assert text == flat(to_frame(everything)).to_csv(index=False)


def test_the_csv_holds_what_is_shown_in_its_order(look, page, everything, tmp_path):
    seen = look(page, "#variant=full,lsh&chunk_size=64&sort=-latency_ms")
    seen.until_drawn()
    text, _ = downloaded(seen, tmp_path)
    frame = to_frame(everything)
    shown = frame[
        frame["variant"].isin(["full", "lsh"])
        & (frame["direction"] == "forward")
        & ((frame["chunk_size"] == 64) | frame["chunk_size"].isna())
    ]
    ordered = shown.sort_values("latency_ms", ascending=False, kind="stable")
    assert text == flat(ordered).to_csv(index=False)
    assert len(pd.read_csv(io.StringIO(text))) == len(shown) > 10


@pytest.mark.parametrize("value", ["a,b", 'say "x"', "two\nlines", "plain", ""])
def test_text_is_quoted_as_pandas_quotes_it(scripts, value):
    written = scripts("csv.js").evaluate("value => csvCell(value, 'text')", value)
    frame = pd.DataFrame({"a": [value], "b": [1]})
    assert f"{written},1\n" == frame.to_csv(index=False, header=False)
