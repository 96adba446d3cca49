"""Raw volumes of a guest that goes to another pool: what its agent there needs to attach them."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class VolumeDisk:
    """A disk on a raw volume; its uuid is the same in every pool."""

    vdi_id: str
    name: str = ""
    location: str = ""
    sm_config: Mapping[str, str] = field(default_factory=dict)
    sharable: bool = False
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Volume:
    """A storage repository of one raw volume, and how a host reaches it.

    `device_config` may hold a CHAP password and `secrets` does, by the key of device_config that
    names XAPI's secret ("chappassword_secret"): neither is ever shown.
    """

    sr_id: str
    name: str
    type: str
    content_type: str = ""
    sm_config: Mapping[str, str] = field(default_factory=dict)
    device_config: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    disks: tuple[VolumeDisk, ...] = ()
