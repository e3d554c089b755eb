"""From the bytes of a values file to its pins, and back to bytes with new tags, proven. Pure.

``values_file.read_values`` and ``find_pins`` give the ``pin.Pin`` values of a file, ``tag_edit.set_tags`` writes tags
and digests and proves that nothing else changed, ``change.Change`` is a pin before and after, ``holds`` reads and
writes holds, ``requested`` takes a pin by its path and puts into words what cannot be edited and what a file names
beside its pins, ``quotes`` knows which tags need quotes. ``yaml_data`` and ``yaml_tree`` are for code that reads other
YAML of the repository. This is the only room that imports ruamel and PyYAML.
"""
