from dataclasses import replace

from reports.page.facts import facts, unfit


def test_where_how_and_the_command(run):
    text = facts(run([]))
    for part in (
        "Example CPU 9000, 2 cores usable, 2 threads in torch",
        "8.00 GiB",
        "2025-03-04 05:06:07 UTC",
        "torch 2.13.0+cpu",
        "OMP_NUM_THREADS=2",
        "<dd>0123abc</dd>",
        "<pre><code>git checkout 0123abc\nhatrick sweep --preset quick</code></pre>",
        "[256, 512]",
    ):
        assert part in text


def test_the_code_and_the_noise_floor(run, noise):
    text = facts(run([], noise=noise()))
    assert "<dd>c0de5eed (digest of this project&#x27;s sources)</dd>" in text
    assert (
        "<dd>two measurements of one point differ by up to 2.1% here "
        "(10 pairs, selftest of 2026-01-02 on Example CPU 9000)</dd>"
    ) in text


def test_without_a_selftest_its_command_is_named(run):
    assert "<dt>noise floor</dt><dd>not measured: hatrick selftest</dd>" in facts(run([]))
    assert unfit(run([])) == ""


def test_the_best_rates_of_the_run_are_its_ceilings(run, ceiling):
    measured = [ceiling(1.5e11, 2e10), ceiling(1.7e11, 1e10)]
    assert (
        "<dt>ceilings</dt><dd>cpu, float32: 170 GFLOP/s in a large matrix product, 20 GB/s in a "
        "large copy</dd>"
    ) in facts(run([], ceilings=measured))
    assert "ceilings" not in facts(run([]))


def test_an_unfit_machine_is_said(run, noise):
    unfit_run = run([], noise=noise(fit=False, spread=0.3))
    assert "; this machine was found unfit to measure on</dd>" in facts(unfit_run)
    assert unfit(unfit_run) == (
        "The selftest of 2026-01-02 found Example CPU 9000 of bench-1 unfit to measure on; two "
        "measurements of one point differ by up to 30%."
    )
    assert unfit(run([], noise=noise())) == ""


def test_empty_facts_are_left_out(run):
    text = facts(run([]))
    assert "CUDA" not in text
    assert "NVIDIA driver" not in text


def test_a_changed_tree_is_said_and_text_is_escaped(run, environment):
    changed = replace(
        run([]), environment=environment(git_dirty=True, command="hatrick <script>", driver="570.1")
    )
    text = facts(changed)
    assert "0123abc, changed since" in text
    assert "<pre><code>hatrick &lt;script&gt;</code></pre>" in text
    assert "<dd>570.1</dd>" in text
