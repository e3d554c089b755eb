"""The GitOps repository as bumper reads it: bumper.yaml, the environments, and the pins of one."""

from dataclasses import dataclass

from bumper.checkout import Checkout, read_files
from bumper.config import parse_config
from bumper.config_models import Config
from bumper.errors import Refused
from bumper.gather import Gathered, gather
from bumper.layout import Environment, Layout, read_layout

CONFIG_FILE = "bumper.yaml"


@dataclass(frozen=True, slots=True)
class Setup:
    """What the repository says of itself; ``written`` is None where it has no bumper.yaml."""

    written: Config | None
    layout: Layout

    @property
    def config(self) -> Config:
        """bumper.yaml, or the defaults."""
        return self.written if self.written is not None else Config()


def read_setup(checkout: Checkout) -> Setup:
    """bumper.yaml as it stands at the tip, and the environments that follow from it.

    Raises:
        Refused: bumper.yaml is wrong, or a symbolic link.

    """
    written = None
    if CONFIG_FILE in checkout.entries:
        if checkout.is_link(CONFIG_FILE):
            raise Refused(f"{CONFIG_FILE} is a symbolic link, which bumper does not follow; make it a file.")
        written = parse_config(read_files(checkout, [CONFIG_FILE])[CONFIG_FILE])
    return Setup(written, read_layout(written, checkout.files, checkout.settings.address.name))


@dataclass(frozen=True, slots=True)
class Target:
    """The environment that a command changes, as it stands at the tip."""

    checkout: Checkout
    setup: Setup
    environment: Environment
    gathered: Gathered


def open_target(checkout: Checkout, name: str) -> Target:
    """bumper.yaml, the environment ``name`` and its pins."""
    return open_environment(checkout, read_setup(checkout), name)


def open_environment(checkout: Checkout, setup: Setup, name: str) -> Target:
    """The environment ``name`` and its pins, its files fetched all at once."""
    environment = setup.layout.environment(name)
    paths = dict.fromkeys(path for app in environment.apps for path in (*app.bases, *app.values))
    return Target(checkout, setup, environment, gather(environment, setup.config, read_files(checkout, paths)))
