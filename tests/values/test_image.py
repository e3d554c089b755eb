import pytest
from hypothesis import given
from hypothesis import strategies as st

from bumper.errors import WrongUsage
from bumper.image import is_digest, is_tag, parse_image, read_reference, read_repository, split_reference

SHA = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("redis", "docker.io/library/redis"),
        ("bitnami/redis", "docker.io/bitnami/redis"),
        ("docker.io/redis", "docker.io/library/redis"),
        ("index.docker.io/library/redis", "docker.io/library/redis"),
        ("localhost/app", "localhost/app"),
        ("localhost:5000/app", "localhost:5000/app"),
        ("registry.example.com:5000/a/b/c", "registry.example.com:5000/a/b/c"),
        ("Registry.Example.com/a/b", "registry.example.com/a/b"),
        ("[::1]:5000/a", "[::1]:5000/a"),
        ("Shop/api", "Shop/api"),  # a host to Docker, for its upper case alone
        ("a/b__c-d.e", "docker.io/a/b__c-d.e"),
    ],
)
def test_repositories_are_normalised_as_docker_does(text: str, normal: str) -> None:
    assert str(read_repository(text)) == normal
    assert str(read_repository(normal)) == normal


@pytest.mark.parametrize(
    "text",
    ["", "/", "a/", "/a", "a//b", "UPPER", "a/B", "https://example.com/a", "a b", "{{ .x }}/a", "$REG/a", "a:b/c", "-a",
     "a_.b", "example.com:port/a", "a" * 256],
)  # fmt: skip
def test_what_names_no_repository(text: str) -> None:
    assert read_repository(text) is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a/b", ("a/b", None, None)),
        ("a/b:v1", ("a/b", "v1", None)),
        ("host:5000/b", ("host:5000/b", None, None)),
        ("host:5000/b:v1", ("host:5000/b", "v1", None)),
        (f"host:5000/b:v1@{SHA}", ("host:5000/b", "v1", SHA)),
        (f"a@{SHA}", ("a", None, SHA)),
        ("a:", ("a", "", None)),
        ("a@", ("a", None, "")),
    ],
)
def test_a_reference_is_cut_at_the_tag_and_not_at_the_port(
    text: str, parts: tuple[str, str | None, str | None]
) -> None:
    assert split_reference(text) == parts


def test_a_reference_is_read_back_as_it_is_shown() -> None:
    reference = parse_image(f"shop/api:v1@{SHA}")
    assert str(reference) == f"docker.io/shop/api:v1@{SHA}"
    assert parse_image(str(reference)) == reference
    assert str(reference.with_digest(None)) == "docker.io/shop/api:v1"


@pytest.mark.parametrize("text", ["a/b", "a/b:-v1", "a/b:" + "x" * 129, "a/b:v1@sha256:abc", "a/B:v1", ""])
def test_an_argument_that_is_no_image_with_a_tag_is_wrong_usage(text: str) -> None:
    with pytest.raises(WrongUsage, match=r"is not an image reference; write|names no tag; write"):
        parse_image(text)


@pytest.mark.parametrize(("text", "is_one"), [(SHA, True), (SHA.upper(), False), (SHA[:-1], False), ("v1", False)])
def test_digests(text: str, *, is_one: bool) -> None:
    assert is_digest(text) is is_one


@pytest.mark.parametrize(("text", "is_one"), [("v1", True), ("_", True), (".a", False), ("", False), ("a\n", False)])
def test_tags(text: str, *, is_one: bool) -> None:
    assert is_tag(text) is is_one


@given(st.text())
def test_any_text_is_an_image_that_reads_back_or_none(text: str) -> None:
    reference = read_reference(text)
    assert reference is None or read_reference(str(reference)) == reference
