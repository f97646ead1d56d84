from reports.gate.notes import notes
from reports.gate.result import Verdict


def test_the_notes_say_what_was_allowed_and_that_it_was_raised(result, everything, every_kind):
    said = " ".join(notes(everything))
    assert "Up to 5% slower is the same" in said
    assert "at most 5% are so by chance" in said
    assert "About 12 more blocks would settle the unsure point: --settle takes them." in said
    kept = " ".join(notes(result(every_kind)))
    assert "Up to 5% slower is the same. The noise floor of this run is 3.1%: " in kept
    assert "in this run its largest was 1.9%." in kept


def test_a_stored_baseline_has_a_limit_and_may_have_no_noise_floor(result, every_kind):
    said = notes(result(every_kind, noise=None))
    assert said[1] == "Up to 5% slower is the same."


def test_without_timings_no_limit_is_spoken_of(result, judged):
    points = [judged(name, untimed="--exact takes no timings.") for name in ("a", "b")]
    said = notes(result(points, noise=None, notes=["A note."]))
    assert said[1:] == ["Not timed: 2 points (--exact takes no timings).", "A note."]


def test_advisory_timings_are_said_to_be(result, every_kind):
    said = notes(result(every_kind, advisory="the baseline is of another machine."))
    assert "Timings are advisory, and fail nothing: the baseline is of another machine." in said


def test_the_notes_say_of_how_many_points_the_limit_was_raised(result, judged, timing):
    noisy = timing(1.0, Verdict.SAME).model_copy(update={"limit": 0.09})
    points = [judged("noisy", timing=noisy), judged("quiet", timing=timing(1.0, Verdict.SAME))]
    said = " ".join(notes(result(points, limit=0.09)))
    assert "of 1 point that is below the noise, and was raised to its own floor there, 9%" in said
