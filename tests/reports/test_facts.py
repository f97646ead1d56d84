from dataclasses import replace

from reports.facts import facts


def test_where_how_and_the_command(run):
    text = facts(run([]))
    for part in (
        "Example CPU 9000, 2 cores usable, 2 threads in torch",
        "8.00 GiB",
        "2025-03-04 05:06:07 UTC",
        "torch 2.13.0+cpu",
        "OMP_NUM_THREADS=2",
        "<dd>0123abc</dd>",
        "<pre><code>hatrick sweep --preset quick</code></pre>",
        "[256, 512]",
    ):
        assert part in text


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
    assert "hatrick &lt;script&gt;" in text
    assert "<dd>570.1</dd>" in text
