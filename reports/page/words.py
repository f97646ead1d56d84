"""What the page says of itself: how each chart is read, and what the numbers mean."""

from __future__ import annotations

CHARTS = {
    "scaling": (
        "A line that is thinner is the fitted growth. ✕: no figure there; ○: left out. With one "
        "chunk size alone chosen, its own curves and growth are shown."
    ),
    "roofline": (
        "Operations and bytes are the cost model's. A point far below its roof leaves the hardware "
        "idle."
    ),
    "pareto": "To the left is faster, below is nearer to full attention.",
}
"""How a chart is read, beyond what its own subtitle says."""
CHUNKS = (
    "A chunk size n costs T·n within the chunks, T²/n between tokens and chunks and (T/n)² among "
    "the chunks; where they balance it is best, in theory near √T. Attentions without a global "
    "step have only the first of these terms."
)

HOW_TO_READ = """<dl class="facts">
<dt>latency</dt><dd>Median wall time of one call. The interval is the 95% confidence interval of \
that median. ± is half its width; where it is above the target, the row says so.</dd>
<dt>samples</dt><dd>Single calls, at least 20 (10 where one takes over a second). Points that are \
compared take turns: in every round each is visited once, in shuffled order, and some calls of it \
are timed. Rounds go on until the interval is as narrow as the target, or it is clear that it will \
not be, or the time is up.</dd>
<dt>faster, slower</dt><dd>Judged round by round, since what drifts meanwhile hits both alike: \
said only where the 95% interval of the ratio, in brackets, excludes 1. Without rounds in common, \
only where the two intervals do not overlap. “No clear difference” does not mean equal. “Within \
the noise floor”: two measurements of one and the same point differ as much on this machine.</dd>
<dt>throttled</dt><dd>The device held its clocks down for most of the samples. Such a latency is \
shown, and compared with nothing.</dd>
<dt>fastest chunk size</dt><dd>Chosen by the lowest median of this very run, so its figure is a \
little on the lucky side where chunk sizes are close. Faint marks are the other chunk sizes. With \
some chunk sizes hidden, curves go through the fastest of those that are left; fits, bands and \
crossovers are shown only where all points they were computed from are.</dd>
<dt>against full</dt><dd>The fastest full attention of the same run, setting and length.</dd>
<dt>workspace</dt><dd>Peak memory above what was resident before the call, output included.</dd>
<dt>oracle check</dt><dd>Relative error against the same function in plain float64 code, and the \
largest error of one element. It passes where both are below bounds derived from the dtype. A \
wrong answer has no latency here.</dd>
<dt>distance to full</dt><dd>How far the output lies from full attention with the same \
projections: 0 equals it, 1 is as far off as no attention at all, above 1 \
farther still. No judgement of quality.</dd>
<dt>cosine</dt><dd>Between what the two attentions add to no attention at all: 1 is the same \
direction, 0 nothing in common.</dd>
<dt>✕ above a chart</dt><dd>No figure at that length; the reason is under “Points without a valid \
latency”. ○: it was left out, since the sweep's time budget had no room for it.</dd>
</dl>"""
