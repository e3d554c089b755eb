"""Needs the folder that BUMPER_REFERENCE names: GitLab's API description and real examples."""

import os

collect_ignore_glob = [] if os.environ.get("BUMPER_REFERENCE") else ["test_*.py"]
