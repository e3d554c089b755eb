"""SIGTERM, SIGHUP, ^C and a full disk at any step: nothing is left behind, and a rerun does what is missing."""

import os
import signal
import subprocess
import sys

import pytest

from tests.faults.proxy import SILENT, Fault, Proxy
from tests.faults.trial import COMMANDS, Trial, Trials
from tests.support.command_line import Ran, finish, start

ANSWER_WITHHELD = Fault(silent=True, reached=True)
STEPS = {
    "while cloning": ("POST", "/git-upload-pack$", 2, SILENT),
    "while asking": ("GET", "/merge_requests$", 1, SILENT),
    "before the push arrives": ("POST", "/git-receive-pack$", 1, SILENT),
    "after the push arrived": ("POST", "/git-receive-pack$", 1, ANSWER_WITHHELD),
    "before the merge request is made": ("POST", "/merge_requests$", 1, SILENT),
    "after the merge request was made": ("POST", "/merge_requests$", 1, ANSWER_WITHHELD),
}
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
NO_SPACE = 'ulimit -f 0; exec "$@"'  # the shell's way to a disk that takes nothing


@pytest.mark.parametrize(
    ("step", "number", "command"),
    [(step, SIGNALS[place % 3], tuple(COMMANDS)[place % 4 % 3]) for place, step in enumerate(STEPS)],
)
def test_interrupted(trials: Trials, proxy: Proxy, step: str, number: signal.Signals, command: str) -> None:
    trial = trials(command)
    method, path, nth, fault = STEPS[step]
    proxy.fail(fault, method=method, path=path, nth=nth)
    process = start(*trial.command.arguments, "--no-verify", environ=trial.environ)
    assert proxy.asked.wait(60)

    process.send_signal(number)
    ran = finish(process)

    assert (ran.code, ran.out, ran.said) == (130, "", "interrupted\n")
    assert list(trial.temporary_folder.iterdir()) == []
    trial.check(trial.run())


LOSES_A_SIGNAL = """
import os, signal, sys, types

class Callback:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)

def main(arguments):
    Callback()
    signal.pause()
    return 0

sys.modules["bumper.cli.main"] = types.SimpleNamespace(main=main)
from bumper.__main__ import process
process()
"""


def test_a_signal_that_python_drops_in_a_callback_comes_again() -> None:
    """As while a module is imported: importlib's locks have such callbacks."""
    ran = subprocess.run(
        [sys.executable, "-c", LOSES_A_SIGNAL], capture_output=True, text=True, check=False, timeout=60
    )

    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "interrupted\n")


def run_in_shell(trial: Trial, script: str, stdout: int = subprocess.PIPE) -> Ran:
    """Bumper run by ``script``, in which ``$@`` is its command line."""
    command = [sys.executable, "-m", "bumper", *trial.command.arguments, "--no-verify"]
    environ = {**os.environ, **trial.environ}
    ran = subprocess.run(
        ["sh", "-c", script, "sh", *command], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, env=environ
    )
    return Ran(ran.returncode, ran.stdout or "", ran.stderr)


def test_a_disk_that_takes_nothing(trials: Trials) -> None:
    trial = trials("bump")

    ran = run_in_shell(trial, NO_SPACE)

    assert (ran.code, ran.out) == (4, ""), ran
    assert ran.said.startswith("error: ")
    assert ran.said.count("\n") == 1
    assert list(trial.temporary_folder.iterdir()) == []
    assert trial.gitops.branches() == []
    trial.check(trial.run())


def test_no_room_for_the_dotenv_file(trials: Trials) -> None:
    trial = trials("bump")

    ran = trial.run("--dotenv", "/dev/full")

    assert ran.code == 4
    assert ran.said == "error: /dev/full could not be written: No space left on device; make room and try again.\n"
    check_rerun_finds_it(trial)


def test_no_room_for_the_output(trials: Trials) -> None:
    trial = trials("bump")

    ran = run_in_shell(trial, 'exec "$@" >/dev/full')

    assert (ran.code, ran.said) == (4, "error: no space left on device; make room and run it again.\n")
    check_rerun_finds_it(trial)


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_the_streams_that_a_shell_opens(trials: Trials, closed: str) -> None:
    trial = trials("bump")

    ran = run_in_shell(trial, f'exec "$@" {closed}')

    assert (ran.code, ran.said) == (0, "")
    check_rerun_finds_it(trial)


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_reader_that_ends_first(trials: Trials, output: str) -> None:
    trial = trials("bump")
    reader, writer = os.pipe()
    os.close(reader)

    ran = run_in_shell(trial, f'BUMPER_OUTPUT={output} exec "$@"', stdout=writer)
    os.close(writer)

    assert (ran.code, ran.said) == (
        4,
        "error: the result could not be printed; the program that reads the output ended first.\n",
    )
    check_rerun_finds_it(trial)


def check_rerun_finds_it(trial: Trial) -> None:
    again = trial.run()
    trial.check(again)
    assert again.json["merge_request"]["action"] == "unchanged"
