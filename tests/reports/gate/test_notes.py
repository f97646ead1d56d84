from reports.gate.notes import notes


def test_the_notes_say_what_was_allowed_and_that_it_was_raised(result, everything, every_kind):
    said = " ".join(notes(everything))
    assert "the limit asked for, 5%, is below the noise floor and was raised to it." in said
    assert "Up to 6.2% slower is the same" in said
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
