"""Run by sshd for a key, as gitlab-shell is: asks the server, then runs the one command that git asks for.

Arguments: the server's folder, and the key's user. Standard library only.
"""

import http.client
import os
import shlex
import sys
from pathlib import Path


def main() -> None:
    folder, username = Path(sys.argv[1]), sys.argv[2]
    verb, path = shlex.split(os.environ["SSH_ORIGINAL_COMMAND"])
    assert verb in {"git-upload-pack", "git-receive-pack"}
    project = path.strip("/").removesuffix(".git")
    status, answer = ask(folder, project, username, push=verb == "git-receive-pack")
    if status != http.HTTPStatus.OK:
        sys.exit(framed(f"ERROR: {answer}"))
    environment = {**os.environ, "GL_USERNAME": username, "BUMPER_SANDBOX_PATH": project}
    repository = str(folder / "repositories" / f"{answer}.git")
    os.execvpe("git", ["git", verb.removeprefix("git-"), repository], environment)  # noqa: S606 - two words


def ask(folder: Path, project: str, username: str, *, push: bool) -> tuple[int, str]:
    host, port, secret = (folder / "hooks" / "address").read_text(encoding="utf-8").split()
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    fields = [f"secret={secret}", f"project={project}", f"username={username}", f"push={'yes' if push else 'no'}"]
    connection.request("POST", "/-/hooks/access", "\0".join(fields))
    response = connection.getresponse()
    return response.status, response.read().decode().rstrip("\n")


def framed(message: str) -> str:
    """gitlab-shell writes "remote:" itself, in front of a blank line, a ruler, a blank line, the message, and again."""
    frame = ["", "=" * 72, ""]
    return "\n".join(f"remote: {line}" for line in [*frame, message, *frame])


if __name__ == "__main__":
    main()
