"""Work on several cores: in order, with what it raises, and in spite of a process that is killed."""

import os
import subprocess
import sys

import pytest

KILLED = """\
import os
from bumper.environments.sharing_out import map_in_processes
parent = os.getpid()
print(map_in_processes(lambda item: item * 2 if item != 5 or os.getpid() == parent else os._exit(9), range(8)))
"""
RAISING = """\
from bumper.errors import Refused
from bumper.environments.sharing_out import map_in_processes
def work(item):
    if item == 5:
        raise Refused("five is not for us")
    return item
try:
    map_in_processes(work, range(8))
except Refused as refusal:
    print(refusal)
"""


@pytest.mark.parametrize(
    ("program", "said"), [(KILLED, "[0, 2, 4, 6, 8, 10, 12, 14]\n"), (RAISING, "five is not for us\n")]
)
def test_whatever_becomes_of_a_process_the_work_is_done(program: str, said: str) -> None:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=os.environ)

    assert (done.returncode, done.stdout, done.stderr) == (0, said, "")
