"""Values files without the entries on which no pin depends, for looking at thousands of them. Pure.

An entry is left out where it is a key and a scalar on one line, its key speaks of no image (see key_names), its scalar
can be no image string, and the line above is such an entry of the same mapping, which stays: so a mapping stays a
mapping, and what is no YAML stays none. In a text of several lines it is no loss either. A key that is left out and
leads to more in another of the application's files, or in the same, decides what stands there: then all are read whole.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from bumper.environments.layout import Environment
from bumper.errors import Refused
from bumper.values.cut_text import parse_without
from bumper.values.values_file import ValuesFile, try_values
from bumper.values.yaml_tree import MappingNode, Scalar, YamlError, has_line_ends_of_yaml_alone, walk

# The last two letters of every name that may matter (tag, version, image, repo, sha256, chart, ...). A separator before
# the last one could hide the rest, but for a digit, with which only sha256 ends.
_ENDINGS = "[aA][gG]|[oO][nN]|[eE][sS]|[gGmM][eE]|[rR][yY]|[pP][oO]|[sS][tT]|[hH][aA]|56|[rR][tT]"
_KEYS_LEFT_OUT = rf"[\w.-]++(?<=[^\W_]{{2}}|[_.-][0-57-9])(?<!{_ENDINGS})"
_NO_TEXT = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
_SCALAR = rf"""(?:"[^"\\:@{_NO_TEXT}]*+"|'[^':@{_NO_TEXT}]*+'|[A-Za-z0-9][\w./-]*+)"""
_ENTRY = rf"{_KEYS_LEFT_OUT}:\ ++{_SCALAR}(?:\ ++\#[^'{_NO_TEXT}]*+|\ *+)\n"
_RUN = re.compile(rf"(?am)^(\ *+){_ENTRY}((?:\1{_ENTRY})++)")

# Here lines mean more than they say: SOPS, Argo CD's values in a text, mappings and lists in brackets.
_READ_WHOLE = ("sops", "argoproj.io/", "{\n", "[\n", "\ufeff")


_WORTH_IT = 3  # a third of the text: what is left has to be given its places

Read: TypeAlias = dict[str, ValuesFile | Refused]


def skim(environment: Environment, sources: Mapping[str, bytes]) -> Read:
    """The environment's files by path, or why one cannot be read; symbolic links are not among ``sources``."""
    found: Read = {}
    left_out: dict[str, str] = {}
    for path in environment.files:
        if path in sources:
            skimmed = _skim(path, sources[path])
            if skimmed is not None:
                found[path], left_out[path] = skimmed
            else:
                found[path] = try_values(path, sources[path])
    for app in environment.apps:
        files = [path for path in (*app.bases, *app.values) if path in found]
        cut = [left_out[path] for path in files if path in left_out]
        if cut and any(f" {parent}: " in text for parent in _parents(found[path] for path in files) for text in cut):
            found.update({path: try_values(path, sources[path]) for path in files if path in left_out})
    return found


def _skim(name: str, source: bytes) -> tuple[ValuesFile, str] | None:
    """The file and the entries left out, a space before each; None where it is to be read whole."""
    try:
        text = source.decode()
        if any(sign in text for sign in _READ_WHOLE) or has_line_ends_of_yaml_alone(text):
            return None
        cuts = [run.span(2) for run in _RUN.finditer(text)]
        if sum(end - start for start, end in cuts) * _WORTH_IT < len(text):
            return None
        values = ValuesFile(name, bom=False, text=text, documents=parse_without(text, cuts))
    except (UnicodeDecodeError, YamlError):  # which is told of the whole file
        return None
    return values, "".join(f" {text[start:end]}" for start, end in cuts).replace("\n", "\n ")


def _parents(files: Iterable[ValuesFile | Refused]) -> set[str]:
    """The keys that lead to mappings and lists."""
    documents = (document for one in files if isinstance(one, ValuesFile) for document in one.documents)
    mappings = (node for node in walk(documents) if type(node) is MappingNode)
    return {key for node in mappings for key, value in node.keys.items() if type(value) is not Scalar}
