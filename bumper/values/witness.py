"""What an independent reader takes a plain scalar for. The only importer of ruamel."""

from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver

from bumper.values.yaml_tree import STRING_TAG

_VERSIONS = ((1, 1), (1, 2))  # Helm's reader follows 1.1, others 1.2


def resolves_to_text(plain: str) -> bool:
    """Whether ruamel takes the plain scalar for a string under YAML 1.1 and under 1.2."""
    resolvers = (VersionedResolver(version=version) for version in _VERSIONS)
    return all(str(resolver.resolve(ScalarNode, plain, (True, False))) == STRING_TAG for resolver in resolvers)
