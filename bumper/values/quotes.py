"""When a tag needs quotes: where YAML would read ``1.10`` as the number 1.1, or ``no`` as false."""

import re

from bumper.values.yaml_tree import Scalar

# Everything that some reader takes for something else than text, in one net wider than any single reader's:
# the YAML 1.1 type repository (bool, null, int with underscores and base 60, float, timestamp, merge, value),
# the YAML 1.2 core schema (0o17), and what Helm's reader adds by dropping underscores before it looks for a number.
_NOT_TEXT = re.compile(
    r"""
      | ~ | = | <<
      | (?i: y | n | yes | no | on | off | true | false | null )
      | [-+]? [0-9] [0-9_]*
      | [-+]? 0 (?i: x [0-9a-f_]+ | b [01_]+ | o [0-7_]+ )
      | [-+]? (?: [0-9] [0-9_]* (?: \. [0-9_]* )? | \. [0-9_]+ ) (?: [eE] [-+]? [0-9_]+ )?
      | [-+]? [0-9] [0-9_]* (?: : [0-5]? [0-9] )+ (?: \. [0-9_]* )?
      | [-+]? \. (?i: inf ) | \. (?i: nan )
      | [0-9]{4} - [0-9]{1,2} - [0-9]{1,2} (?: (?: [Tt] | [ \t]+ ) .* )?
    """,
    re.VERBOSE,
)
# A short number without a trailing zero comes out of Helm's reader and its printing (Go's %v) as it went in.
_PRINTED_ALIKE = re.compile(r"(?:0|[1-9][0-9]{0,5})(?:\.[0-9]{0,8}[1-9])?")


def needs_quotes(value: str, place: Scalar) -> bool:
    """Whether ``value`` has to be quoted in ``place``; in brackets, YAML 1.1 ends a plain scalar at its first colon."""
    return not reads_as_text(value) or (place.in_flow and ":" in value and ":" not in place.value)


def reads_as_text(plain: str) -> bool:
    """Whether every reader of YAML 1.1 or 1.2 takes the plain scalar ``plain`` for exactly that string."""
    return all(_NOT_TEXT.fullmatch(read) is None for read in (plain, plain.replace("_", "")))


def helm_prints_alike(plain: str) -> bool:
    """Whether Helm prints the plain scalar ``plain`` as it is written, although it may read it as a number."""
    return reads_as_text(plain) or _PRINTED_ALIKE.fullmatch(plain) is not None
