"""Which storage repositories are volumes: attached where their guest is, and nowhere else.

A raw iSCSI repository always is (one for each volume); of any other type is one that an operator
or whoever made it has marked.
"""

from hostagent.model.records import SrRecord

VOLUME = "xenferry:volume"
_TYPES = frozenset({"iscsi", "rawhba"})


def is_volume(sr: SrRecord) -> bool:
    """Tell whether a storage repository follows its guest."""
    return sr.type in _TYPES or VOLUME in sr.other_config
