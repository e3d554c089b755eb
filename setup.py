"""Makes the README for package indexes, where a link into the repository has to be a whole address."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).parent
HOMEPAGE = tomllib.loads((HERE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]["Homepage"]
README = (HERE / "README.md").read_text(encoding="utf-8")
PICTURE, LINK = re.compile(r"(!\[[^]]*\]\()(?!https?:|#)"), re.compile(r"(\]\()(?!https?:|#)")

setup(
    long_description=LINK.sub(rf"\1{HOMEPAGE}/-/blob/HEAD/", PICTURE.sub(rf"\1{HOMEPAGE}/-/raw/HEAD/", README)),
    long_description_content_type="text/markdown",
)
