"""What ``bumper set`` says is what Helm reads afterwards: the real Helm prints every value before and after."""

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bumper.commands.set_tag import set_tag
from bumper.errors import Refused
from bumper.image import parse_image
from tests.support.helm import Helm

IMAGE, OTHER = "registry.example.com/shop/api", "registry.example.com/shop/web"
OLD, NEW = f"sha256:{'1a' * 32}", f"sha256:{'2b' * 32}"
OLD_TAGS = st.sampled_from(["v1", "1.20", "8e3", "20231231", "0x2F", "no", "~", "2_000", "2023-12-31", "0777"])
TAGS = st.sampled_from(["v2", "1.10", "12e4567", "20240115", "0x1F", "yes", "null", "1_000", "2024-01-01", "0123"])

# A component's values below its key; {tag} is as it stands in a file, plain or in quotes.
SHAPES = st.sampled_from(
    [
        f"  image:\n    repository: {IMAGE}\n    tag: {{tag}}  # by CI\n",
        f"  image: {{{{repository: {IMAGE}, tag: {{tag}}, pullPolicy: Always}}}}\n",
        f"  image: {{{{registry: registry.example.com, repository: shop/api, digest: {OLD}, tag: {{tag}}}}}}\n",
        f"  image:\n    repository: {IMAGE}\n    tag: {{tag}}\n    genericDigest: {OLD}\n    hash: '{OLD}'\n",
        f"  image:\n    repository: {IMAGE}\n    digest: >-\n      {OLD}\n    tag: {{tag}}\n",
        f"  image:\n    repository: {IMAGE}\n    tag:\n    useDigest: true\n    digest:\n",
        f'  image: "{IMAGE}:1.0.2"\n  version: {{tag}}\n',
        f"  sidecars: [{IMAGE}:1.0.2, {{{{image: {IMAGE}:1.0.2@{OLD}, ports: [8080:80]}}}}]\n  images: [{IMAGE}:1]\n",
        f"  imageRepository: {IMAGE}\n  imageTag: {{tag}}\n  imageSha256: {OLD[7:]}\n",
        f"  image: &image{{n}}\n    repository: {IMAGE}\n    tag: {{tag}}\n  copy: *image{{n}}\n",
        f"  note: &note{{n}} {{tag}}\n  image: {{{{repository: {IMAGE}, tag: *note{{n}}}}}}\n  copy: *note{{n}}\n",
        f"  base: &base{{n}} {{{{tag: {{tag}}}}}}\n  image: {{{{<<: *base{{n}}, repository: {IMAGE}}}}}\n",
        f"  late: &late{{n}} {{{{tag: v0}}}}\n  image: {{{{repository: {IMAGE}, tag: {{tag}}, <<: *late{{n}}}}}}\n",
        f"  web: {{{{repository: {OTHER}, tag: &t{{n}} {{tag}}}}}}\n  api: {{{{repository: {IMAGE}, tag: *t{{n}}}}}}\n",
        f"  image: {{{{repository: {OTHER}, tag: {{tag}}}}}}\n  text: |\n    tag: {{tag}}\n",
        f"  env:\n    - name: RELATED_IMAGE_API\n      value: {IMAGE}:1.0.2\n    - {{{{name: A, value: {{tag}}}}}}\n",
    ]
)
WRITTEN = st.builds(lambda tag, style: style.format(tag), OLD_TAGS, st.sampled_from(["{}", '"{}"', "'{}'"]))
COMPONENTS = st.lists(st.tuples(SHAPES, WRITTEN), min_size=1, max_size=6)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(COMPONENTS, TAGS, st.sampled_from(["", f"@{NEW}"]))
def test_what_is_said_is_what_helm_reads(helm: Helm, components: list[tuple[str, str]], tag: str, digest: str) -> None:
    parts = (f"c{n}:\n{shape.format(tag=old, n=n)}" for n, (shape, old) in enumerate(components))
    file = Path(helm.folder) / "before.yaml"
    file.write_text("".join(parts))
    before = helm.values(file.read_text())

    try:
        done = set_tag(parse_image(f"{IMAGE}:{tag}{digest}"), [str(file)], None)
    except Refused:
        return
    after = helm.values(file.read_text())

    said = {change.path: change.after for change in done.changes}
    images = {path for path in after if after[path].startswith(f"{IMAGE}:")}
    for path, version in said.items():
        if path in after and OLD not in before[path] and NEW not in after[path]:
            assert after[path] == (f"{IMAGE}:{version.tag}" if path in images else version.tag)
    folders = {path.rpartition(".")[0] for path in said}
    for path in before.keys() | after.keys():
        if before.get(path) != after.get(path) and path not in said:
            assert path.rpartition(".")[0] in folders, f"{path} changed, and nobody said so"
            assert after[path] in ("", NEW, NEW[7:]), f"{path} is neither a digest nor cleared"
    assert not any(OLD in value for path, value in after.items() if path.rpartition(".")[0] in folders)
