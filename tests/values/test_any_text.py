"""Any text is edited or refused in words: nothing ends as a bug in bumper, and a second edit has nothing to do."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bumper.errors import Refused
from bumper.image import parse_image
from bumper.values.requested import edits_for
from bumper.values.tag_edit import set_tags
from bumper.values.values_file import find_pins, read_values

DIGEST, NEW = f"sha256:{'1a' * 32}", f"sha256:{'2b' * 32}"
LINES = st.sampled_from(
    [
        "image:\n  repository: shop/api\n  tag: v1\n",
        "image: {repository: shop/api, tag: }\n",
        "web:\n  repository: shop/api\n  tag:\n",
        "web: {image: shop/api:v1, ports: [8080:80]}\n",
        f"image: {{repository: shop/api, tag: &tag v1, digest: {DIGEST}}}\n",
        f"api:\n  repository: shop/api\n  tag: v1\n  hash: |-\n    {DIGEST}\n",
        f"job:\n  repository: shop/api\n  digest: >-  # of the release\n    {DIGEST}\n\n",
        "images: [shop/api:v1, nginx:1.27]\n",
        "other: {repository: shop/web, tag: *tag}\n",
        "base: &base {repository: shop/api, tag: !!str v1}\n",
        "copy: {<<: *base, repository: shop/web}\n",
        "args: [--port, 80:80, {a: b:c}, last:]\n",
        "\t# a tab\n",
        "key:\tvalue\t# tabs\n",
        "text: |\n    image: shop/api:v1\n",
        'quoted: "a\n\tb"\n',
        "? shop/api\n: v1\n",
        "\ufeffname: joined\n",
        "break: a\u2028b\n",
        "- image: shop/api:v1\n",
        "---\n",
        "a: 1\r\n",
        "",
    ]
)
SIGNS = st.sampled_from([*"\t: \n[]{},#\"'|>-!\r", "&a ", "*a"])


@st.composite
def texts(draw: st.DrawFn) -> str:
    text = "".join(draw(st.lists(LINES, min_size=1, max_size=6)))
    for place, sign in draw(st.lists(st.tuples(st.integers(0, 300), SIGNS), max_size=2)):
        text = text[:place] + sign + text[place:]
    return text


@pytest.mark.parametrize("image", ["shop/api:1.10", f"shop/api:v2@{NEW}", f"shop/api@{NEW}"])
@settings(max_examples=60)
@given(text=texts())
def test_a_text_is_edited_or_refused(image: str, text: str) -> None:
    wanted = parse_image(image)
    try:
        values = read_values("values.yaml", text.encode())
        pins = [pin for pin in find_pins(values) if pin.repository == wanted.repository]
        edits, _ = edits_for(values, pins, wanted)
        after = set_tags(values, edits)
    except Refused:
        return

    again = read_values("values.yaml", after)
    pins = [pin for pin in find_pins(again) if pin.repository == wanted.repository]
    edits, _ = edits_for(again, pins, wanted)
    assert set_tags(again, edits) == after
