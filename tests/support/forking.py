"""A ``bumper`` for shells, forked from a process that has imported all of it: that is most of a short command's time.

From ``bumper.__main__.process`` on it is the program itself, with the shell's arguments, folder, environment and
streams. The tests of the installed package and of the terminal start the real one.
"""

import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

# -I and -S: nothing is imported but what it needs, which takes a few milliseconds.
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(server, [asked[:1]], [0, 1, 2])
    server.sendall(asked[1:])
    server.shutdown(socket.SHUT_WR)
    sys.exit(int(server.recv(8)))
"""


@pytest.fixture(scope="session")
def quick_bumper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for PATH with this ``bumper``."""
    folder = tmp_path_factory.mktemp("bin")
    address = str(folder / "socket")
    program = folder / "bumper"
    program.write_text(_PROGRAM.format(python=sys.executable, address=address))
    program.chmod(0o755)
    command = [sys.executable, "-m", "tests.support.forking", address]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        yield folder
        server.terminate()


def _serve(address: str) -> None:
    import bumper

    for found in pkgutil.walk_packages(bumper.__path__, "bumper."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(address)
        listening.listen()
        os.write(1, b"ready\n")
        while True:
            connection, _ = listening.accept()
            with connection:
                if os.fork() == 0:
                    listening.close()
                    _answer(connection)


def _answer(connection: socket.socket) -> None:
    """Run one command in a process of its own, and answer with its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    start, streams, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as rest:
        arguments, folder, environ = json.loads(start + rest.read())
    child = os.fork()
    if child == 0:
        connection.close()
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        sys.stdin, sys.stdout, sys.stderr = (
            os.fdopen(number, mode, buffering=1, closefd=False) for number, mode in enumerate("rww")
        )
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environ)
        time.tzset()
        tempfile.tempdir = None
        sys.argv = ["bumper", *arguments]
        from bumper.__main__ import process

        process()
    _, status = os.waitpid(child, 0)
    connection.sendall(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


if __name__ == "__main__":
    _serve(sys.argv[1])
