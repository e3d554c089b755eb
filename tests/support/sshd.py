"""The embedded server's repositories over SSH, by the real OpenSSH server."""

import getpass
import shlex
import socketserver
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bumper.sandbox import Sandbox
from tests.support import gitlab_shell
from tests.support.programs import need
from tests.support.serving import ServingThread

_SSHD = "/usr/sbin/sshd"


@dataclass(frozen=True)
class SshServer:
    """A running sshd; ``key`` is the deploy key that it knows, ``command`` git's GIT_SSH_COMMAND for it."""

    url: str
    key: Path
    known_hosts: Path

    @property
    def command(self) -> str:
        return self.with_key(self.key)

    def with_key(self, key: Path) -> str:
        options = [
            "-F",
            "none",
            "-i",
            str(key),
            "-o",
            "IdentitiesOnly=yes",
            "-o",
            f"UserKnownHostsFile={self.known_hosts}",
        ]
        return shlex.join(["ssh", *options, "-o", "BatchMode=yes"])


def make_key(file: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(file)], check=True)
    return file


@contextmanager
def serve_ssh(sandbox: Sandbox, folder: Path, project: str, username: str) -> Iterator[SshServer]:
    """Serve ``project`` to a new deploy key of ``username``'s, on a free port of loopback."""
    need(_SSHD, "openssh-server")
    folder.mkdir()
    host_key, key = make_key(folder / "host"), make_key(folder / "deploy")
    server = sandbox.repository_path(project).parents[project.count("/") + 1]
    forced = shlex.join([sys.executable, "-I", gitlab_shell.__file__, str(server), username])
    quoted = forced.replace('"', '\\"')
    (folder / "authorized_keys").write_text(f'restrict,command="{quoted}" {(folder / "deploy.pub").read_text()}')
    config = folder / "sshd_config"
    config.write_text(
        f"HostKey {host_key}\nAuthorizedKeysFile {folder / 'authorized_keys'}\n"
        f"StrictModes no\nUsePAM no\nPidFile none\nPasswordAuthentication no\nAcceptEnv GIT_PROTOCOL\n"
        "PermitRootLogin prohibit-password\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)  # the folder without rights that sshd's children are shut into
    listener = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _connection(config))
    port = listener.server_address[1]
    known_hosts = folder / "known_hosts"
    known_hosts.write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    serving = ServingThread(listener)
    serving.start()
    try:
        yield SshServer(f"ssh://{getpass.getuser()}@127.0.0.1:{port}/{project}.git", key, known_hosts)
    finally:
        serving.stop()


def _connection(config: Path) -> type[socketserver.BaseRequestHandler]:
    """An sshd for each connection, as inetd starts it: sshd cannot be asked to choose a free port by itself."""

    class Connection(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            command = [_SSHD, "-i", "-f", str(config)]
            subprocess.run(command, stdin=self.request, stdout=self.request, stderr=subprocess.DEVNULL, check=False)

    return Connection
