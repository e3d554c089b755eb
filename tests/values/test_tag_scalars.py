import io

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bumper.values.quotes import reads_as_text
from bumper.values.tag_edit import TagEdit, set_tags
from bumper.values.values_file import find_pins, read_values

# Any tag of the OCI specification, those oftener that come near a number, a date or a word of YAML's.
TAGS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", fullmatch=True),
    st.from_regex(r"[0-9_][0-9_.eExXoObBaAfF-]{0,12}", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([tT_][0-9.Z-]*)?", fullmatch=True),
    st.sampled_from(["y", "N", "yes", "No", "ON", "off", "True", "FALSE", "null", "Null", "NULL", "_", "_1", "1_"]),
)

MAPPING = "repository: shop/api\ntag: old\n"
FLOW = "{repository: shop/api, tag: old}\n"
EMPTY = "repository: shop/api\ntag:\n"
STRING = "image: shop/api:old\n"


def read_everywhere(text: str) -> list[object]:
    """What PyYAML and ruamel's YAML 1.1 and 1.2 readers make of ``text``."""
    found: list[object] = [yaml.safe_load(text)]
    for version in ((1, 1), (1, 2)):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        found.append(reader.load(io.StringIO(text)))
    return found


def written(text: str, tag: str) -> str:
    """``text`` after its one pin was given ``tag``."""
    values = read_values("values.yaml", text.encode())
    (pin,) = find_pins(values)
    return set_tags(values, [TagEdit(pin, tag)]).decode()


@given(TAGS)
@example("1.10")
@example("12e4567")
@example("20240115_12")
@example("0x1F")
@example("0o17")
@example("0b11")
@example("1_000")
@example("2024-01-01")
@example("1e5")
def test_every_reader_reads_the_tag_that_was_written(tag: str) -> None:
    for text in (MAPPING, FLOW, EMPTY):
        for found in read_everywhere(written(text, tag)):
            assert found == {"repository": "shop/api", "tag": tag}


@given(TAGS)
def test_every_reader_reads_the_image_string_that_was_written(tag: str) -> None:
    for found in read_everywhere(written(STRING, tag)):
        assert found == {"image": f"shop/api:{tag}"}


@given(st.text(st.sampled_from("0123456789._-+:eExXoOaAtTzZ ~<="), min_size=1, max_size=12))
def test_what_reads_as_text_is_text_to_every_reader(text: str) -> None:
    plain = f"0{text.strip()}0"  # so that it can stand plain
    if reads_as_text(plain) and ": " not in plain:
        assert read_everywhere(f"a: {plain}\n") == [{"a": plain}] * 3


@pytest.mark.parametrize(
    "plain",
    ["0_x1F", "0_b11", "0_o17", "1_e5", "1_0.5", "0_1", "1__", "12:30:45", "12:30", ".5", "5.", "1e+5", "-0x1f", "+1"],
)
def test_a_number_to_a_reader_that_drops_underscores_first_is_no_text(plain: str) -> None:
    assert not reads_as_text(plain)


@pytest.mark.parametrize(
    "plain", ["v1", "1.0.2", "4b825dc", "1.0-rc1", "2024.01.01", "latest", "1e", "0x", "a_1", "e5"]
)
def test_usual_tags_stay_plain(plain: str) -> None:
    assert reads_as_text(plain)
