from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.errors import Refused
from bumper.values.tag_edit import ProofFailed, TagEdit, changes_file, prove, restoring, set_tags
from bumper.values.values_file import ValuesFile, find_pins, read_values
from tests.values.test_tag_scalars import TAGS

OLD = "old-tag.1"  # a text that stands nowhere else in the documents made here
IMAGE = "registry.example.com:5000/shop/api"
DIGEST = "sha256:" + "1a" * 32

# Where a tag may stand; @ is the tag's scalar as it is written, and in the last ones the image string's.
TAG_SHAPES = [
    f"image:\n  repository: {IMAGE}\n  tag: @\n  pullPolicy: Always\n",
    f"image:\n  tag:   @   # the tag\n  repository: {IMAGE}\n",
    f"image: {{repository: {IMAGE.replace(':5000', '')}, tag: @ , pullPolicy: Always}}\n",
    f'image: {{\n  "repository": "{IMAGE}",\n  "tag": @\n}}\n',
    "registry: registry.example.com:5000\nname: shop/api\ntag: @\n",
    f"containers:\n- name: a\n  image:\n    repository: {IMAGE}\n    tag: @\n- name: b\n",
    f"webImage: {IMAGE}\nwebImageTag: @\n",
    f"image.repository: {IMAGE}\nimage.tag: @\n",
    f"image:\n  repository: {IMAGE}\n  tag: &tag @\nlabel: *tag\n",
    f"defaults: &d\n  tag: @\nimage:\n  <<: *d\n  repository: {IMAGE}\n",
    f"? image\n: repository: {IMAGE}\n  ? tag\n  : @\n",
    f"image:\n  repository: {IMAGE}\n  version: !!str @\n",
]
STRING_SHAPES = [
    "image: @\n",
    "images:\n  - x\n  - @\n  - y\n",
    "a: {b: [{image: @ }]}\n",
    "images: {tags: {api: @ }}\n",
]
NOISE = st.sampled_from(
    [
        "# a comment with tag: v1\n",
        "\n",
        "emoji🚀: '🚀 ✅'\n",
        "script: |\n  image: shop/api:v1\n\n  tag: v1\n",
        "folded: >-\n  a\n  b\n",
        "flow: {a: [1, 2], b: {}}\n",
        'quoted: "a\\tb\\u00e9"\n',
        "empty:\n",
        "spaces:   1   \n",
        "anchor: &x 1\n",
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A document with one pin; ``scalar`` is the pin's, as it stands there."""

    text: str
    scalar: str
    bom: bool

    def source(self, scalar: str | None = None) -> bytes:
        """The document's bytes, also with another scalar in the pin's place."""
        text = self.text.replace("@", scalar if scalar is not None else self.scalar)
        return (("\ufeff" if self.bom else "") + text).encode()


@st.composite
def documents(draw: st.DrawFn) -> Written:
    """Documents with one pin in any shape, quotes, line ends and surroundings."""
    quote = draw(st.sampled_from(["", "'", '"']))
    in_string = draw(st.booleans())
    shape = draw(st.sampled_from(STRING_SHAPES if in_string else TAG_SHAPES))
    noise = draw(st.tuples(*[st.lists(NOISE, max_size=4, unique=True).map("".join)] * 2))
    separator = draw(st.sampled_from(["", "---\n", "other: 1\n---\n"]))
    text = separator + noise[0] + shape + "--- # next\n" + noise[1]
    text = text if draw(st.booleans()) else text.rstrip("\n")
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return Written(text, f"{quote}{IMAGE + ':' if in_string else ''}{OLD}{quote}", draw(st.booleans()))


def read(source: bytes) -> ValuesFile:
    return read_values("values.yaml", source)


def set_only_pin(source: bytes, tag: str, digest: str | None = None, *, write_digest: bool = False) -> bytes:
    values = read(source)
    (pin,) = find_pins(values)
    assert pin.refusal is None
    return set_tags(values, [TagEdit(pin, tag, digest, write_digest)])


@given(documents(), TAGS)
def test_only_the_tags_bytes_change_and_the_old_tag_brings_the_old_bytes_back(document: Written, tag: str) -> None:
    plain = document.scalar.replace(OLD, tag)
    quoted = f'"{plain}"'
    after = set_only_pin(document.source(), tag)
    assert after in {document.source(plain), document.source(quoted)}
    if after == document.source(plain):
        assert set_only_pin(after, OLD) == document.source()
    assert set_only_pin(after, tag) == after


@given(documents(), TAGS)
def test_a_digest_written_with_the_tag_is_cleared_with_the_next_one(document: Written, tag: str) -> None:
    with_digest = set_only_pin(document.source(), tag, DIGEST, write_digest=True)
    values = read(with_digest)
    (pin,) = find_pins(values)
    assert (pin.tag, pin.digest) == (tag, DIGEST)
    assert not changes_file(values, TagEdit(pin, tag))
    assert DIGEST.encode() not in set_only_pin(with_digest, f"{tag[:100]}-next")


@given(st.lists(documents(), min_size=2, max_size=4), st.data())
def test_several_pins_of_one_file_change_together(written: list[Written], data: st.DataObject) -> None:
    source = b"\n---\n".join(document.source().removeprefix(b"\xef\xbb\xbf") for document in written)
    values = read(source)
    pins = find_pins(values)
    chosen = [pin for pin in pins if data.draw(st.booleans())]
    after = read(set_tags(values, [TagEdit(pin, "v2") for pin in chosen]))
    assert [pin.tag for pin in find_pins(after)] == ["v2" if pin in chosen else OLD for pin in pins]
    assert [pin.line for pin in find_pins(after)] == [pin.line for pin in pins]
    assert len(after.encode(after.text)) == len(source) - len(chosen) * (len(OLD) - len("v2"))


def test_two_wishes_for_one_anchor_are_refused() -> None:
    values = read(b"v: &v v1\na: {repository: shop/a, tag: *v}\nb: {repository: shop/b, tag: *v}\n")
    first, second = find_pins(values)
    assert set_tags(values, [TagEdit(first, "v2"), TagEdit(second, "v2")]).startswith(b"v: &v v2\n")
    with pytest.raises(
        Refused, match=r"^values\.yaml:1: b\.tag: shares one value with values\.yaml:1: a\.tag .*; give"
    ):
        set_tags(values, [TagEdit(first, "v2"), TagEdit(second, "v3")])


def test_a_digest_known_for_the_same_tag_is_set_and_an_unknown_one_stays() -> None:
    source = f"repository: shop/a\ntag: v1\ndigest: {DIGEST}\n".encode()
    other = DIGEST.replace("1a", "2b")
    assert set_only_pin(source, "v1") == source
    assert set_only_pin(source, "v1", other) == source.replace(DIGEST.encode(), other.encode())
    assert set_only_pin(source, "v2") == b'repository: shop/a\ntag: v2\ndigest: ""\n'


def test_a_refused_pin_cannot_be_set() -> None:
    values = read(b"image: {repository: shop/a}\n")
    (pin,) = find_pins(values)
    with pytest.raises(ValueError, match=r"^values\.yaml:1: image\.tag cannot be set: there is no tag beside it"):
        set_tags(values, [TagEdit(pin, "v2")])


@pytest.mark.parametrize(
    ("result", "problem"),
    [
        ("a: 1\nimage: shop/a:v2\nb: 1\n", "'1' is where '1' should"),
        ("a: 1 \nimage: shop/a:v2\nb: &b 1\n", "something outside the tags changed"),
        ("a: 1\nimage: shop/a:v2\nb: &b 1 \n", "something outside the tags changed"),
        ("a: 2\nimage: shop/a:v2\nb: &b 1\n", "'2' is where '1' should"),
        ("a: 1\nimage: shop/a:v3\nb: &b 1\n", "'shop/a:v3' is where 'shop/a:v2' should"),
        ("a: 1\nimage: shop/a:v2\nb: &b 1\nc: 1\n", "the structure changed"),
        ("a: 1\nimage: [shop/a:v2]\nb: &b 1\n", "the structure changed"),
        ("a: 1\nimage: shop/a:v2\nb: &b 1\n---\n", "another number of documents"),
        ("a: 1\nimage: shop/a: v2\nb: &b 1\n", "the result is not YAML"),
    ],
)
def test_the_proof_finds_every_other_change(result: str, problem: str) -> None:
    values = read(b"a: 1\nimage: shop/a:v1\nb: &b 1\n")
    (pin,) = find_pins(values)
    assert pin.tag_scalar is not None
    prove(values, "a: 1\nimage: shop/a:v2\nb: &b 1\n", {pin.tag_scalar.start: "shop/a:v2"})
    with pytest.raises(ProofFailed, match=rf"^values\.yaml:\d+: the edit was not made, because .*{problem}.*report"):
        prove(values, result, {pin.tag_scalar.start: "shop/a:v2"})


@pytest.mark.parametrize("tag", ["1.10", "1e5", "yes", "0x1F", "2024-01-01"])
def test_the_proof_finds_a_tag_that_is_not_read_as_text(tag: str) -> None:
    values = read(b"repository: shop/a\ntag: v1\n")
    (pin,) = find_pins(values)
    assert pin.tag_scalar is not None
    prove(values, f"repository: shop/a\ntag: '{tag}'\n", {pin.tag_scalar.start: tag})
    with pytest.raises(ProofFailed, match=r"would not be read as text"):
        prove(values, f"repository: shop/a\ntag: {tag}\n", {pin.tag_scalar.start: tag})


@pytest.mark.parametrize(
    "text",
    [
        f"image:\n  repository: shop/api\n  digest: {DIGEST}\n",
        f"image: shop/api@{DIGEST}\n",
        f"image: {{repository: shop/api, tag: '{DIGEST}'}}\n",
        f"image: {{repository: shop/api, tag: '@{DIGEST}'}}\n",
        f'image:\n  repository: shop/api\n  tag: ""\n  digest: {DIGEST}\n',
        f"image:\n  repository: shop/api\n  tag: v1\n  digest: {DIGEST}\n",
    ],
)
def test_a_pin_gets_back_what_it_held_be_it_a_digest_alone(text: str) -> None:
    values = read(text.encode())
    (pin,) = find_pins(values)
    after = read(set_tags(values, [TagEdit(pin, "v2", DIGEST.replace("1", "2"), write_digest=True)]))
    (moved,) = find_pins(after)
    back = set_tags(after, [restoring(moved, pin.tag, pin.digest)]).decode()
    assert back.replace('"', "").replace("'", "") == text.replace('"', "").replace("'", "")
