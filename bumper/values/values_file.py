"""A values file: its bytes, its documents, the pins in it. Pure: bytes in, pins out."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bumper.errors import Refused
from bumper.image import Repository, read_repository
from bumper.values.key_names import key_name
from bumper.values.pin import Pin
from bumper.values.pin_path import PinPath, format_path
from bumper.values.pin_search import Way, path_of, search_pins
from bumper.values.siblings import MERGE_KEY, Resolved, effective_values, key_standing_twice, key_text, look_up
from bumper.values.tag_scalars import image_string_for_tag, plain_value, read_tag_scalar
from bumper.values.yaml_tree import Alias, Document, MappingNode, Node, Scalar, SequenceNode, YamlError, parse_documents

_BOM = "\ufeff"
_GIT_CRYPT = b"\0GITCRYPT\0"
_REPOSITORY_KEYS = frozenset({"repository", "repo", "registry", "image", "imagename"})
_SOPS_KEYS = frozenset({"mac", "lastmodified", "encrypted_regex"})


@dataclass(frozen=True, slots=True)
class ValuesFile:
    """A values file that could be read; ``bom`` is whether a byte order mark comes before ``text``."""

    name: str
    bom: bool
    text: str
    documents: tuple[Document, ...]

    def encode(self, text: str) -> bytes:
        """``text`` as this file's bytes would be."""
        return (_BOM + text if self.bom else text).encode()


def read_values(name: str, source: bytes) -> ValuesFile:
    """Read the bytes of the values file ``name``.

    Raises:
        Refused: it is not UTF-8, not YAML, or encrypted by SOPS or git-crypt; the message names file and line.

    """
    if source.startswith(_GIT_CRYPT):
        raise Refused(f"{name}:1: the file is encrypted by git-crypt", "unlock the repository or leave the file out")
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused(f"{name}:{line}: the file is not UTF-8", "save it as UTF-8") from error
    bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    if text.startswith(_BOM):  # the parser would drop one more, and every place in the text be off by one
        raise Refused(f"{name}:1: the file starts with several byte order marks", "save it with one or none")
    try:
        documents = parse_documents(text)
    except YamlError as error:
        templates = " (it holds Go templates)" if "{{" in text else ""
        raise Refused(
            f"{name}:{error.line}: the file is not valid YAML{templates}: {error.problem}", "correct that line"
        ) from error
    for document in documents:
        _refuse_sops(name, document)
    return ValuesFile(name, bom, text, documents)


def _refuse_sops(name: str, document: Document) -> None:
    sops = look_up(document.root, ("sops",))
    if isinstance(sops, MappingNode) and any(key_text(key) in _SOPS_KEYS for key, _ in sops.pairs):
        raise Refused(
            f"{name}:{sops.line}: the file is encrypted by SOPS, whose checksum covers every value",
            "edit it with sops",
        )


def find_pins(values: ValuesFile, lower: Sequence[ValuesFile] = (), registry: str | None = None) -> tuple[Pin, ...]:
    """Every pin of ``values`` in the order of its lines, those that cannot be set included (see Pin.refusal).

    ``lower`` are the files that Helm reads before it, lowest precedence first: a tag without a repository takes the
    one that they name at the same path. ``registry`` is that of repositories that name none, by default Docker Hub.
    """
    below = tuple((other.name, other.documents[0].root) for other in reversed(lower) if other.documents)
    pins = [pin for document in values.documents for pin in search_pins(values.text, document.root, below, registry)]
    return tuple(sorted(pins, key=lambda pin: (pin.line, pin.tag_scalar.start if pin.tag_scalar is not None else 0)))


def pin_at(values: ValuesFile, path: PinPath, pins: Sequence[Pin], repository: Repository | None) -> tuple[Pin, ...]:
    """The pins that stand at ``path``, of ``repository`` whatever stands beside them, one for each document.

    A scalar that no shape makes a pin becomes one, because somebody named its path; a key that holds a repository
    does not.
    """
    known = tuple(pin for pin in pins if pin.path == path)
    if known:
        return known
    nodes = ((document, look_up(document.root, path)) for document in values.documents)
    return tuple(_named_pin(values, document, path, node, repository) for document, node in nodes if node is not None)


def _named_pin(
    values: ValuesFile, document: Document, path: PinPath, node: Resolved, repository: Repository | None
) -> Pin:
    parts = image_string_for_tag(plain_value(node))
    prefix = parts[0] if parts is not None else ""
    image = read_repository(prefix)
    held = read_tag_scalar(node, values.text, prefix)
    twice = key_standing_twice(document.root, path)
    refusal = held.refusal if twice is None else f"the key {twice!r} stands twice in one mapping; delete one"
    if image is None and "/" in (held.tag or ""):
        refusal = refusal or "it holds a repository or another address, not a tag; name the tag's path"
    if path and isinstance(path[-1], str) and image is None and key_name(path[-1]).name in _REPOSITORY_KEYS:
        refusal = refusal or "it holds a repository, not a tag; name the tag's path"
    return Pin(
        path=path,
        line=node.line,
        repository=image or repository,
        tag=held.tag,
        digest=held.digest,
        shape="path",
        refusal=refusal,
        tag_scalar=held.scalar,
        prefix=f"{prefix}:" if prefix else "",
        reads_as_text=held.reads_as_text,
    )


def aliases_of(values: ValuesFile, tag_scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    """Where else the value of ``tag_scalar`` is used: path and line of every alias of it or of what it stands in.

    An alias of something that holds such an alias counts too.
    """
    for document in values.documents:
        if document.anchored:
            yield from _aliases_in(document, tag_scalar)


def _aliases_in(document: Document, tag_scalar: Scalar) -> Iterator[tuple[PinPath, int]]:
    users = [tag_scalar.start]  # in the order of the text, in which an alias follows what it names
    waiting: list[tuple[Node, Way]] = [(document.root, None)]
    while waiting:
        node, way = waiting.pop()
        if isinstance(node, MappingNode):
            waiting.extend((value, (way, key_text(key) or "?")) for key, value in reversed(node.pairs))
        elif isinstance(node, SequenceNode):
            waiting.extend((item, (way, index)) for index, item in reversed(list(enumerate(node.items))))
        elif isinstance(node, Alias) and node.target is not None and node.start > tag_scalar.start:
            nearest = bisect_left(users, node.target.start)
            if nearest < len(users) and users[nearest] <= node.target.end:
                users.append(node.start)
                path = path_of(way)
                if MERGE_KEY in path[-2:]:
                    yield from _merged_uses(document, path, tag_scalar, node)
                else:
                    yield path, node.line


def _merged_uses(document: Document, path: PinPath, tag_scalar: Scalar, alias: Alias) -> Iterator[tuple[PinPath, int]]:
    """The key that a merge brings in with ``tag_scalar``'s value, unless the mapping has one of its own."""
    consumer = path[: path.index(MERGE_KEY, -2)]
    for key, value in effective_values(alias.target).items() if isinstance(alias.target, MappingNode) else ():
        holds_it = value is not None and value.start <= tag_scalar.start <= value.end
        if holds_it and look_up(document.root, (*consumer, key)) is value:
            yield (*consumer, key), alias.line


def describe(values: ValuesFile, pin: Pin) -> str:
    """``file:line: path``, as every message about a pin begins."""
    return f"{values.name}:{pin.line}: {format_path(pin.path)}"
