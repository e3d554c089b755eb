"""Run by git as pre-receive and post-receive: asks the sandbox, prints its lines.

Standard library only, and little of it: every push starts it twice.
"""

import json
import os
import socket
import sys

_SENT = (
    "GL_USERNAME",
    "BUMPER_SANDBOX_TOKEN",
    "BUMPER_SANDBOX_PATH",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
)


def main() -> int:
    """Ask the sandbox about this push; 1 when it is refused."""
    hook, address_file = sys.argv[1:]
    options = range(int(os.environ.get("GIT_PUSH_OPTION_COUNT", "0")))
    question: dict[str, object] = {
        "repository": os.getcwd(),  # noqa: PTH109 - pathlib is the half of such a script's time
        "updates": [line.split() for line in sys.stdin.read().splitlines()],
        "options": [os.environ[f"GIT_PUSH_OPTION_{number}"] for number in options],
        "environment": {name: os.environ[name] for name in _SENT if name in os.environ},
    }
    try:
        answer = _ask(hook, address_file, question)
    except (OSError, ValueError) as error:
        sys.stdout.write(f"GitLab: The sandbox of this repository does not answer ({error}); start it again.\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in answer["lines"]))
    return 0 if answer["allowed"] else 1


def _ask(hook: str, address_file: str, question: dict[str, object]) -> dict[str, list[str]]:
    with open(address_file, encoding="utf-8") as file:  # noqa: PTH123 - as above
        address = json.load(file)
    body = json.dumps({**question, "secret": address["secret"]}).encode()
    head = f"POST /-/hooks/{hook} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address["host"], address["port"])) as connection:
        connection.sendall(head.encode() + body)
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    answer: dict[str, list[str]] = json.loads(reply.partition(b"\r\n\r\n")[2])
    return answer


if __name__ == "__main__":
    sys.exit(main())
