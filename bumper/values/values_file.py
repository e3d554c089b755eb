"""A values file: its bytes, its documents, the pins in it. Pure: bytes in, pins out."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from bumper.errors import Refused
from bumper.files import MAX_BYTES
from bumper.values.keys import Sibling, siblings_of
from bumper.values.partners import digests_among, speaks_of_a_digest, switch_among
from bumper.values.pin import OtherPin, Pin, PinPath, format_path
from bumper.values.pin_search import search_pins
from bumper.values.yaml_data import look_up
from bumper.values.yaml_tree import Document, MappingNode, Node, YamlError, parse_documents

_BOM = "\ufeff"
_GIT_CRYPT = b"\0GITCRYPT\0"
_SOPS_KEYS = frozenset({"mac", "lastmodified", "encrypted_regex"})
_TEMPLATE_LINES = re.compile(r"^[ \t]*\{\{(?:(?!\}\}).)*\}\}[ \t]*(?=\r?$)", re.MULTILINE | re.DOTALL)
_ACTIONS = re.compile(r"\{\{(?:(?!\}\}).)*\}\}", re.DOTALL)
_NO_LINE_END = re.compile(r"[^\r\n]")


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

    def parse(self, text: str) -> tuple[Document, ...]:
        """The documents of another text of this file.

        Raises:
            YamlError: it is not YAML.

        """
        return _parse(self.name, text)


class EncryptedBySops(Refused):
    """A values file whose keys can be read and whose values cannot; ``root`` is what the keys are in."""

    def __init__(self, what: str, next_step: str, root: Node) -> None:
        """Keep the tree beside the sentence."""
        super().__init__(what, next_step)
        self.root = root


def read_values(name: str, source: bytes) -> ValuesFile:
    """Read the bytes of the values file ``name``.

    Raises:
        Refused: it is not UTF-8, not YAML, or encrypted by SOPS or git-crypt; the message names file and line.

    """
    if len(source) > MAX_BYTES:
        raise Refused(
            f"{name}: the file is larger than {MAX_BYTES // 1_000_000} MB, which no values file needs",
            "leave it out with exclude in bumper.yaml, or split it",
        )
    if source.startswith(_GIT_CRYPT):
        raise Refused(f"{name}:1: the file is encrypted by git-crypt", "unlock the repository or leave the file out")
    try:
        text = source.decode()
    except UnicodeDecodeError as error:
        line = source.count(b"\n", 0, error.start) + 1
        raise Refused(f"{name}:{line}: the file is not UTF-8", "save it as UTF-8") from error
    bom = text.startswith(_BOM)
    text = text.removeprefix(_BOM)
    try:
        documents = _parse(name, text)
    except YamlError as error:
        templates = " (it holds Go templates)" if "{{" in text else ""
        what = f"{name}:{error.line}: the file is not valid YAML{templates}: {error.problem}"
        raise Refused(what, _advice(name, text)) from error
    for document in documents:
        sops = look_up(document.root, ("sops",))
        if isinstance(sops, MappingNode) and not _SOPS_KEYS.isdisjoint(sops.keys):
            what = f"{name}:{sops.line}: the file is encrypted by SOPS, whose checksum covers every value"
            raise EncryptedBySops(what, "edit it with sops", document.root)
    return ValuesFile(name, bom, text, documents)


def _parse(name: str, text: str) -> tuple[Document, ...]:
    """The documents of ``text``; in a helmfile's template the lines that hold nothing but actions count as empty.

    Where an action beside other text is no YAML, all of them are read as signs that no tag can have.
    """
    if not name.endswith(".gotmpl"):
        return parse_documents(text)
    text = _TEMPLATE_LINES.sub(lambda lines: _NO_LINE_END.sub(" ", lines[0]), text)
    try:
        return parse_documents(text)
    except YamlError:
        return parse_documents(_ACTIONS.sub(lambda action: _NO_LINE_END.sub("$", action[0]), text))


def _advice(name: str, text: str) -> str:
    if "{{" not in text:
        return "fix that line"
    if name.endswith(".gotmpl"):
        return "put that line's template into quotes, or each of its actions on a line of its own"
    if "templates" in name.split("/")[:-1]:
        return "this is a template of a chart; set the tag in the values that fill it in"
    return "set the tag in the values that fill it in; Helm reads no templates in values files, helmfile in *.gotmpl"


def find_pins(values: ValuesFile, lower: Sequence[ValuesFile] = (), registry: str | None = None) -> tuple[Pin, ...]:
    """Every pin of ``values`` in the order of its lines, those that cannot be set included (see Pin.refusal).

    ``lower`` are the files that Helm reads before it, lowest precedence first: a tag without a repository takes the
    one that they name at the same path. ``registry`` is that of repositories that name none, by default Docker Hub.
    """
    below = tuple((other.name, other.documents[0].root) for other in reversed(lower) if other.documents)
    pins = [pin for document in values.documents for pin in _pins_of(values, document, below, registry)]
    pins.sort(key=lambda pin: (pin.line, pin.tag_scalar.start if pin.tag_scalar is not None else 0))
    return mark_shared(pins)


def _pins_of(
    values: ValuesFile, document: Document, below: tuple[tuple[str, Node], ...], registry: str | None
) -> Iterator[Pin]:
    pins = list(search_pins(values.text, document.root, below, registry))
    known = {digest.scalar.start for pin in pins for digest in pin.digest_scalars}
    keys_at = cache(partial(_keys_about_digests, document))  # of each mapping once, however many pins stand below it
    for pin in pins:
        above = pin.path[:-2]
        keys = keys_at(above) if len(pin.path) > 1 and isinstance(pin.path[-2], str) else []
        left = tuple(digests_among((key for key in keys if key.node and key.node.start not in known), above))
        switch = pin.digest_switch or (switch_among(keys, above) if pin.digest_scalars else None)
        yield replace(pin, left_digests=(*pin.left_digests, *left), digest_switch=switch) if keys else pin


def _keys_about_digests(document: Document, path: PinPath) -> list[Sibling]:
    """The keys of the mapping at ``path``, above that of a pin, as far as they speak of digests."""
    mapping = look_up(document.root, path)
    keys = siblings_of(mapping, (), every=False).values() if isinstance(mapping, MappingNode) else ()
    return [key for key in keys if speaks_of_a_digest(key.name)]


def mark_shared(pins: Sequence[Pin]) -> tuple[Pin, ...]:
    """``pins`` (of one file), each with the pins of other images that share a scalar with it."""
    readers: defaultdict[int, list[Pin]] = defaultdict(list)
    for pin in pins:
        for scalar in pin.scalars:
            readers[scalar.start].append(pin)
    if all(len(sharing) == 1 for sharing in readers.values()):
        return tuple(pins)
    return tuple(replace(pin, others=tuple(_others(pin, readers))) for pin in pins)


def _others(pin: Pin, readers: dict[int, list[Pin]]) -> Iterator[OtherPin]:
    for scalar in pin.scalars:
        for other in readers[scalar.start]:
            if other.repository is not None and other.repository != pin.repository:
                yield OtherPin(other.path, other.line, other.repository, scalar)


def describe(values: ValuesFile, pin: Pin) -> str:
    """``file:line: path``, as every message about a pin begins."""
    return f"{values.name}:{pin.line}: {format_path(pin.path)}"
