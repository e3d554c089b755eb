"""Run by git as pre-receive and post-receive: asks the sandbox, prints its lines.

Every push starts it twice, so that it imports next to nothing: ``socket`` and ``json`` would be half of its time.
"""

import os
import sys
from _socket import AF_INET, SOCK_STREAM, socket

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
    fields = [
        f"repository={os.getcwd()}",  # noqa: PTH109 - pathlib would be the other half
        *(f"update={line}" for line in sys.stdin.read().splitlines()),
        *(f"option={os.environ[f'GIT_PUSH_OPTION_{number}']}" for number in options),
        *(f"{name}={os.environ[name]}" for name in _SENT if name in os.environ),
    ]
    try:
        status, lines = _ask(hook, address_file, fields)
    except (OSError, ValueError) as error:
        sys.stdout.write(f"GitLab: The sandbox of this repository does not answer ({error}); start it again.\n")
        return 1
    sys.stdout.write(lines)
    return 0 if status == "200" else 1


def _ask(hook: str, address_file: str, fields: list[str]) -> tuple[str, str]:
    """The status and the text of the sandbox's answer; a question is NUL-separated, as git's and the kernel's are."""
    with open(address_file, encoding="utf-8") as file:  # noqa: PTH123 - as above
        host, port, secret = file.read().split()
    body = "\0".join([f"secret={secret}", *fields]).encode(errors="surrogateescape")
    connection = socket(AF_INET, SOCK_STREAM)
    connection.connect((host, int(port)))
    connection.sendall(f"POST /-/hooks/{hook} HTTP/1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    head, _, lines = b"".join(iter(lambda: connection.recv(65536), b"")).decode().partition("\r\n\r\n")
    return head.split(" ", 2)[1], lines


if __name__ == "__main__":
    sys.exit(main())
