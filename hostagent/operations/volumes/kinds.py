"""Which storage repositories are volumes: attached where their guest is, and nowhere else.

A raw repository always is (one for each volume); of any other type is one that an operator or
whoever made it has marked. Only a raw one follows its guest into another pool: XAPI leaves a disk
alone whose repository has the same uuid there (xapi 26.17), and two pools that have one repository
with a driver's own data on it attached would destroy it.
"""

from hostagent.model.records import SrRecord

VOLUME = "xenferry:volume"
_RAW = frozenset({"iscsi", "rawhba"})


def is_volume(sr: SrRecord) -> bool:
    """Tell whether a storage repository follows its guest."""
    return is_raw(sr.type) or VOLUME in sr.other_config


def is_raw(sr_type: str) -> bool:
    """Tell whether repositories of a type hold one volume and nothing of a driver's own."""
    return sr_type in _RAW
