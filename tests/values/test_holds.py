"""Holds as bytes: put and taken away again, the file is what it was."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.values.holds import hold_reason, put_hold, take_hold
from bumper.values.pin import Pin
from bumper.values.tag_edit import ProofFailed
from bumper.values.values_file import ValuesFile, find_pins, read_values

IMAGE = "registry.example.com/team/app"
OTHER = "registry.example.com/team/other"
_WRITTEN: list[Callable[[str], str]] = [
    "image:\n  repository: {image}\n  tag: {tag}{comment}\n".format,
    "image:\n  repository: {image}\n  tag: '{tag}'{comment}\n".format,
    'image:\n  repository: {image}\n  tag: "{tag}"{comment}\n  pullPolicy: Always\n'.format,
    "image: {{repository: {image}, tag: {tag}, pullPolicy: Always}}{comment}\n".format,
    "image: {{repository: {image},\n  tag: {tag}}}{comment}\n".format,
    "web:\n  image: {image}:{tag}{comment}\n".format,
    "sidecars:\n  - image: {image}:{tag}{comment}\n  - name: x\n".format,
    "image:\n  repository: {image}\n  tag: |-{comment}\n    {tag}\nreplicas: 1\n".format,
    "image:\n  repository: {image}\n  tag: &t {tag}{comment}\nused: *t\n".format,
    "image:\n  repository: {image}\n  tag:{comment}\n".format,
    "a: 1\n---\nimage:\n  repository: {image}\n  tag: {tag}{comment}\n...\n".format,
]
_COMMENTS = st.one_of(
    st.sampled_from(["", " ", "  ", "\t", " # set by CI", '  # {"$imagepolicy": "x"}  ', " #", " # hold", " # é"]),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20).map(" # {}".format),
)


def read(text: str) -> tuple[ValuesFile, list[Pin]]:
    values = read_values("values.yaml", text.encode())
    return values, [pin for pin in find_pins(values) if pin.tag_scalar is not None]


@given(
    shape=st.sampled_from(_WRITTEN),
    comment=_COMMENTS,
    line_end=st.sampled_from(["\n", "\r\n"]),
    final=st.booleans(),
    bom=st.booleans(),
    reason=st.text(max_size=60),
)
def test_put_and_taken_again_every_byte_is_as_it_was(
    shape: Callable[..., str], comment: str, line_end: str, reason: str, *, final: bool, bom: bool
) -> None:
    text = shape(image=IMAGE, tag="1.0.0", comment=comment).replace("\n", line_end)
    text = ("\ufeff" if bom else "") + (text if final else text.rstrip("\r\n"))
    before, pins = read(text)
    if hold_reason(before, pins[0]) is not None:
        return

    held = put_hold(before, pins, reason)
    values, held_pins = read(held.decode())

    assert [pin.tag for pin in held_pins] == [pin.tag for pin in pins]
    assert [pin.path for pin in held_pins] == [pin.path for pin in pins]
    assert all(hold_reason(values, pin) is not None for pin in held_pins)
    assert held.count(b"\n") == text.encode().count(b"\n")
    assert take_hold(values, held_pins) == text.encode()


@pytest.mark.parametrize(
    ("comment", "reason"),
    [
        (" # bumper: hold", "no reason given"),
        (" # bumper: hold OPS-7", "OPS-7"),
        ("   # bumper: hold OPS-7  ", "OPS-7"),
        ("\t# bumper: hold OPS-7", "OPS-7"),
        (" # bumper: hold: OPS-7", "OPS-7"),
        (" # set by CI # bumper: hold OPS-7", "OPS-7"),
        ("", None),
        (" # bumper: holding back", None),
        (" # bumper holds this", None),
        (" # no bumper: hold", None),
    ],
)
def test_a_hold_that_a_person_wrote(comment: str, reason: str | None) -> None:
    values, [pin] = read(f"image:\n  repository: {IMAGE}\n  tag: 1.0.0{comment}\nreplicas: 1\n")

    assert hold_reason(values, pin) == reason


def test_a_comment_that_stands_there_stays() -> None:
    values, pins = read(f"image:\n  repository: {IMAGE}\n  tag: 1.0.0  # set by CI\n")

    held = put_hold(values, pins, "wait")

    assert held.decode() == f"image:\n  repository: {IMAGE}\n  tag: 1.0.0  # set by CI # bumper: hold wait\n"


def test_a_second_hold_takes_the_place_of_the_first() -> None:
    text = f"image:\n  repository: {IMAGE}\n  tag: 1.0.0 # bumper: hold first\n"
    values, pins = read(text)

    assert put_hold(values, pins, "second").decode() == text.replace("first", "second")


@pytest.mark.parametrize("reason", ["two\nlines", "two\r\nlines", "two\x85lines", "two\u2028lines", " two \t lines "])
def test_a_reason_stays_on_its_line(reason: str) -> None:
    values, pins = read(f"image:\n  repository: {IMAGE}\n  tag: 1.0.0\n")

    assert b"  tag: 1.0.0 # bumper: hold two lines\n" in put_hold(values, pins, reason)


def test_two_pins_in_one_line_share_a_hold() -> None:
    text = f"sidecars: [{{image: '{IMAGE}:1'}}, {{image: '{OTHER}:2'}}]\nnext: 1 # bumper: hold not a pin\n"
    values, pins = read(text)

    held = put_hold(values, pins[:1], "wait")
    after, held_pins = read(held.decode())

    assert held.count(b"# bumper: hold wait") == 1
    assert [hold_reason(after, pin) for pin in held_pins] == ["wait", "wait"]
    assert take_hold(after, held_pins) == text.encode()


def test_a_hold_on_an_alias_holds_the_value_that_it_uses() -> None:
    alias = f"other:\n  repository: {OTHER}\n  tag: *v # bumper: hold wait\n"
    values, pins = read(f"image:\n  repository: {IMAGE}\n  tag: &v 1.0.0\n{alias}")

    assert [hold_reason(values, pin) for pin in pins] == ["wait", "wait"]
    assert take_hold(values, pins[:1]).decode() == values.text.replace(" # bumper: hold wait", "")


def test_a_hold_on_the_alias_of_a_whole_image() -> None:
    values, pins = read(
        f"a:\n  image: &i\n    repository: {IMAGE}\n    tag: 1.0.0\nb:\n  image: *i # bumper: hold wait\n"
    )

    assert hold_reason(values, pins[0]) == "wait"


def test_text_that_only_looks_like_a_hold_is_not_touched() -> None:
    values, pins = read(f'image: {{repository: {IMAGE}, tag: "1", note: "x # bumper: hold y"}}\n')

    with pytest.raises(ProofFailed):
        take_hold(values, pins)
