"""The names of Helm parameters, as ``helm --set`` and Argo CD's ``helm.parameters`` write the path of a value."""

import re

from bumper.values.pin import PinPath

# Keys with dots between them, a dot inside a key behind a backslash, an index in brackets.
_STEP = re.compile(r"(?P<key>(?:\\.|[^.\[\]\\])+)|\[(?P<index>\d{1,5})\]|\.", re.DOTALL)


def parse_parameter_name(name: str) -> PinPath:
    """The path that ``name`` means; empty where it is not a parameter's name."""
    steps = list(_STEP.finditer(name))
    if "".join(step[0] for step in steps) != name:
        return ()
    return tuple(
        int(step["index"]) if step["index"] is not None else re.sub(r"\\(.)", r"\1", step["key"])
        for step in steps
        if step[0] != "."
    )
