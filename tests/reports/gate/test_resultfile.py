import pytest

from reports.gate.resultfile import ResultFileError, read_result


@pytest.mark.parametrize("indent", [None, 2])
def test_what_was_written_is_read_again(everything, tmp_path, indent):
    path = tmp_path / "result.json"
    path.write_text(everything.model_dump_json(indent=indent), "utf-8")
    assert read_result(path) == read_result(str(path)) == everything


@pytest.mark.parametrize("share", [0.01, 0.3, 0.999])
def test_a_file_that_was_cut_is_said_to_be(everything, tmp_path, share):
    whole = everything.model_dump_json().encode()
    path = tmp_path / "result.json"
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ResultFileError, match=r"result\.json: cut off after \d+ bytes; a gate's"):
        read_result(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"hello", "no JSON"),
        (b"[]", "Input should be an object"),
        (b'{"type": "environment"}', "type: Input should be 'gate'"),
        (b"\xff\xfe", "no JSON"),
    ],
)
def test_what_is_no_result_is_refused_in_a_sentence(tmp_path, content, words):
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(ResultFileError) as caught:
        read_result(path)
    assert str(caught.value).startswith(f"{path}: {words}")
    assert str(caught.value).endswith("as `hatrick gate` writes it to result.json")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ResultFileError, match=r"cannot be read \(No such file"):
        read_result(tmp_path / "none.json")
