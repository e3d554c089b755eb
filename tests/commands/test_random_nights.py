"""Random nights: whatever Argo CD plays, a rollback is opened by the rule, once, and of nothing else."""

import pytest

from tests.support.argocd import ArgoCd
from tests.support.gitops import GitopsMaker
from tests.support.nights import files_of_a_night, play_night


@pytest.mark.parametrize("seed", range(4))
def test_a_rollback_is_opened_by_the_rule_once_and_of_nothing_else(
    make_gitops: GitopsMaker, argocd: ArgoCd, seed: int
) -> None:
    play_night(make_gitops(files_of_a_night(argocd.url)), argocd, seed, {})
