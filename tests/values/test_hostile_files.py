"""Files made to end, stall or fool a reader. A blow-up shows as the run's time-out, not as a figure here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.errors import Refused
from bumper.values.pin import Pin
from bumper.values.requested import pin_at
from bumper.values.tag_edit import TagEdit, set_tags
from bumper.values.values_file import find_pins, read_values
from bumper.values.yaml_data import places_of

PIN = "image:\n  repository: shop/api\n  tag: v1\n"


def pins_of(text: str) -> tuple[Pin, ...]:
    return find_pins(read_values("values.yaml", text.encode()))


def set_only_pin(text: str) -> bytes:
    values = read_values("values.yaml", text.encode())
    (pin,) = (pin for pin in find_pins(values) if pin.refusal is None)
    return set_tags(values, [TagEdit(pin, "v2")])


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("{image: ", "}"), ("[{images: [", "]}]")])
def test_a_flow_collection_nested_5000_deep(opening: str, closing: str) -> None:
    text = f"deep: {opening * 5000}{closing * 5000}\n{PIN}"
    if opening == "[{images: [":
        with pytest.raises(Refused, match=r"^values\.yaml:1: .*nested more than 10000 deep"):
            set_only_pin(text)
    else:
        assert set_only_pin(text) == text.replace("v1", "v2").encode()


def test_a_pin_5000_deep_is_found_and_set() -> None:
    text = f"{'{a: ' * 5000}{{image: shop/api, tag: v1}}{'}' * 5000}\n"
    (pin,) = pins_of(text)
    assert pin.path == (*["a"] * 5000, "tag")
    assert set_only_pin(text) == text.replace("v1", "v2").encode()


def test_blocks_nested_5000_deep() -> None:
    text = f"{'- ' * 5000}x\n---\n{PIN}"
    assert set_only_pin(text) == text.replace("v1", "v2").encode()


def test_a_base_as_deep_as_its_overlay() -> None:
    levels = 1000
    overlay = read_values("values.yaml", f"{'{image: ' * levels}{{tag: v1}}{'}' * levels}\n".encode())
    base = read_values("base.yaml", f"{'{image: ' * levels}{{repository: a/b}}{'}' * levels}\n".encode())
    (pin,) = find_pins(overlay, [base])
    assert str(pin.repository) == "docker.io/a/b"


def test_an_alias_bomb_stays_as_small_as_it_is() -> None:
    rows = ["a0: &a0 {image: shop/api:v1}"]
    rows += [f"a{row}: &a{row} [{', '.join([f'*a{row - 1}'] * 9)}]" for row in range(1, 100)]
    text = "\n".join(rows) + "\n"
    values = read_values("values.yaml", text.encode())
    (pin,) = find_pins(values)
    assert set_tags(values, [TagEdit(pin, "v2")]) == text.replace("v1", "v2").encode()
    assert pin.tag_scalar is not None
    assert len(list(places_of(values.documents, pin.tag_scalar))) == 1 + 99 * 9


def test_a_merge_bomb_stays_as_small_as_it_is() -> None:
    rows = ["a0: &a0 {image: shop/api:v1}"]
    rows += [f"a{row}: &a{row} {{<<: [{', '.join([f'*a{row - 1}'] * 9)}]}}" for row in range(1, 100)]
    assert [pin.path for pin in pins_of("\n".join(rows) + "\n")] == [("a0", "image")]


def test_a_chain_of_merges_is_followed_over_100_mappings_and_not_for_ever() -> None:
    rows = ["a0: &a0 {repository: shop/api, tag: v0}"]
    rows += [f"a{row}: &a{row} {{<<: *a{row - 1}, tag: v{row}}}" for row in range(1, 2000)]
    found = [pin.path[0] for pin in pins_of("\n".join(rows) + "\n")]
    assert found == [f"a{row}" for row in range(101)]


def test_a_long_merge_list() -> None:
    rows = [f"a{row}: &a{row} {{key{row}: 1}}" for row in range(5000)]
    merged = ", ".join([f"*a{row}" for row in range(5000)] * 5)
    text = "\n".join(rows) + f"\nimage: {{<<: [{merged}], repository: shop/api, tag: v1}}\n"
    assert set_only_pin(text) == text.replace("tag: v1", "tag: v2").encode()


def test_a_mapping_that_merges_itself() -> None:
    text = "image: &i\n  <<: *i\n  repository: shop/api\n  tag: v1\n"
    assert set_only_pin(text) == text.replace("v1", "v2").encode()


def test_20000_keys_in_one_mapping_and_its_base() -> None:
    rows = 20_000
    overlay = read_values("values.yaml", "".join(f"a{row}: {{tag: v1}}\n" for row in range(rows)).encode())
    base = read_values("base.yaml", "".join(f"a{row}: {{repository: shop/api}}\n" for row in range(rows)).encode())
    assert len(find_pins(overlay, [base])) == rows


def test_2000_pins_of_one_file_set_at_once() -> None:
    text = "".join(f"a{row}: {{image: shop/api:v1}}\n" for row in range(2000))
    values = read_values("values.yaml", text.encode())
    assert set_tags(values, [TagEdit(pin, "v2") for pin in find_pins(values)]) == text.replace("v1", "v2").encode()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: \0\n", 2),
        ("é: 1\n🎉: 1\nb: \0\n", 3),
        ('a: "\u2028"\r\nb: \x07\n', 2),
        ("a: \x1b[0m\n", 1),
        ("a: b: c\n", 1),
        ("a: 1\n\tb: 2\n", 2),
        ("a: {{ .Values.x }\n", 2),
        ('a: "open\n', 2),
        ("a: *b\n", 1),
        ("%YAML 3.0\n---\na: 1\n", 1),
        ("a: !<\n", 1),
        ("? ]", 1),
    ],
)
def test_what_is_not_yaml_is_refused_with_its_line(text: str, line: int) -> None:
    next_step = "(?:fix that line|set the tag in the values that fill it in)"
    with pytest.raises(Refused, match=rf"^values\.yaml:{line}: the file is not valid YAML.*: .+; {next_step}.*\.$"):
        read_values("values.yaml", text.encode())


@pytest.mark.parametrize("text", ["{repository: a/b, tag}", "{repository: a/b, tag- }", "? tag\n? repository\n: a/b\n"])
def test_a_key_without_a_value_is_refused_instead_of_made_longer(text: str) -> None:
    assert [pin.refusal for pin in pins_of(text)] == [
        "its key has neither a colon nor a value; write a colon and empty quotes"
    ]


@pytest.mark.parametrize("source", [b"a: \xed\xa0\x80\n", b"\xff\xfea\0", b"a: \xc3\x28\n", b"\x80"])
def test_what_is_not_utf_8_is_refused_with_its_line(source: bytes) -> None:
    with pytest.raises(Refused, match=r"^values\.yaml:1: the file is not UTF-8; save it as UTF-8\.$"):
        read_values("values.yaml", source)


@pytest.mark.parametrize(
    "text",
    ["", "\n", "# only a comment\n", "---\n", "---\n---\n...\n", "\ufeff", "just text\n", "- 1\n", "~\n", "{}\n"],
)
def test_a_file_without_pins_is_no_mistake(text: str) -> None:
    values = read_values("values.yaml", text.encode())
    assert find_pins(values) == ()
    assert find_pins(values, [values]) == ()
    assert pin_at(values, ("image", "tag"), (), None) == ()
    assert set_tags(values, []) == text.encode()


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(source: bytes) -> None:
    try:
        values = read_values("values.yaml", source)
    except Refused:
        return
    find_pins(values)
    assert set_tags(values, []) == source


PIECES = st.sampled_from(
    [
        *("image", "tag", "repository", "images", "digest", "version", "registry", "name", "v1", "shop/api"),
        *("shop/api:v1", "@", "sha256:", "a" * 64, "1.10", "~", "{{", "$X", "😀"),
        *(": ", ":", "- ", "? ", "&a ", "*a", "<<: ", "!!str ", "{", "}", "[", "]", ", ", "'", '"', "|-\n", ">\n"),
        *("\n", "\r\n", "  ", "\t", "# c\n", "---\n", "...\n", "\u2028", "\x85"),
    ]
)


@given(st.lists(PIECES, max_size=25))
def test_any_pieces_of_yaml_are_refused_or_edited_to_the_byte(pieces: list[str]) -> None:
    source = "".join(pieces).encode()
    try:
        values = read_values("values.yaml", source)
    except Refused:
        return
    for pin in find_pins(values):
        if pin.refusal is None:
            after = read_values("values.yaml", set_tags(values, [TagEdit(pin, "1.10")]))
            assert "1.10" in {other.tag for other in find_pins(after)}
