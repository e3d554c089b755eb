"""What every command prints as JSON, and what the commands on local files print; those import nothing else."""

import json
from collections.abc import Mapping
from typing import Any

from bumper.cli.screen import Column, Screen, table
from bumper.commands.pins import ListedPins
from bumper.commands.set_tag import SetTags
from bumper.values.change import Change
from bumper.values.pin import Version, format_path


def as_json(data: Mapping[str, Any]) -> str:
    """One JSON object."""
    return json.dumps(data, ensure_ascii=False, indent=2)


def change_data(change: Change) -> dict[str, Any]:
    """A change as every JSON output writes it."""
    return {
        "app": change.app,
        "file": change.file,
        "path": change.path,
        "line": change.line,
        "image": str(change.image),
        "from": _version_data(change.before)
        | ({"image": str(change.image_before)} if change.image_before is not None else {}),
        "to": _version_data(change.after),
    }


def _version_data(version: Version) -> dict[str, str | None]:
    return {"tag": version.tag, "digest": version.digest}


def pins_data(listed: ListedPins) -> dict[str, Any]:
    """The contract's JSON of pins."""
    return {
        "pins": [
            {
                "file": file,
                "path": format_path(pin.path),
                "line": pin.line,
                "image": str(pin.repository) if pin.repository is not None else None,
                "tag": pin.tag,
                "digest": pin.digest,
                "shape": pin.shape,
            }
            for file, pin in listed.pins
        ],
        "warnings": list(listed.warnings),
    }


def pins_text(listed: ListedPins, screen: Screen) -> str:
    """One pin a line: place, path, image and what it holds."""
    columns = (Column("place"), Column("path"), Column("image"), Column("tag"))
    rows = (
        (f"{file}:{pin.line}:", format_path(pin.path), str(pin.repository or f"({pin.unnamed})"),
         str(pin.version))
        for file, pin in listed.pins
    )  # fmt: skip
    return "\n".join(table(screen, columns, rows, head=False)) or "no pins"


def set_data(done: SetTags) -> dict[str, Any]:
    """The contract's JSON of set."""
    return {"changes": [change_data(change) for change in done.changes], "warnings": list(done.warnings)}


def set_text(done: SetTags, screen: Screen) -> str:
    """One change a line."""
    columns = (Column("place"), Column("path"), Column("image"), Column("change"))
    rows = (
        (f"{change.file}:{change.line}:", change.path, str(change.image), f"{change.before} -> {change.after}")
        for change in done.changes
    )
    return "\n".join(table(screen, columns, rows, head=False)) or "unchanged"
