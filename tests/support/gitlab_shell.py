"""Run by sshd for a key, as gitlab-shell is: asks the server, then runs the one command that git asks for.

Arguments: the server's folder, and the key's user. Standard library only.
"""

import http.client
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    folder, username = Path(sys.argv[1]), sys.argv[2]
    verb, path = shlex.split(os.environ["SSH_ORIGINAL_COMMAND"])
    assert verb in {"git-upload-pack", "git-receive-pack"}
    project = path.strip("/").removesuffix(".git")
    answer = ask(folder, {"project": project, "username": username, "push": verb == "git-receive-pack"})
    if answer["reason"]:
        sys.exit(framed(f"ERROR: {answer['reason']}"))
    environment = {**os.environ, "GL_USERNAME": username, "BUMPER_SANDBOX_PATH": project}
    repository = str(folder / "repositories" / f"{answer['project']}.git")
    os.execvpe("git", ["git", verb.removeprefix("git-"), repository], environment)  # noqa: S606 - two words


def ask(folder: Path, question: dict[str, object]) -> Any:  # noqa: ANN401 - JSON
    address = json.loads((folder / "hooks" / "address.json").read_text(encoding="utf-8"))
    connection = http.client.HTTPConnection(address["host"], address["port"], timeout=30)
    body = json.dumps({**question, "secret": address["secret"]})
    connection.request("POST", "/-/hooks/access", body, {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())


def framed(message: str) -> str:
    """gitlab-shell writes "remote:" itself, in front of a blank line, a ruler, a blank line, the message, and again."""
    frame = ["", "=" * 72, ""]
    return "\n".join(f"remote: {line}" for line in [*frame, message, *frame])


if __name__ == "__main__":
    main()
