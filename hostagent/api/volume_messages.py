"""Raw volumes between the contract and the model."""

from hostagent.model.volumes import Volume, VolumeDisk
from xenferry.hostagent.v1 import checks_pb2


def message(value: Volume) -> checks_pb2.Volume:
    """Return a volume as the contract has it, secrets and all."""
    return checks_pb2.Volume(
        sr_id=value.sr_id,
        name=value.name,
        type=value.type,
        content_type=value.content_type,
        sm_config=value.sm_config,
        device_config=value.device_config,
        secrets=value.secrets,
        disks=[_disk_message(disk) for disk in value.disks],
    )


def volume(told: checks_pb2.Volume) -> Volume:
    """Return a volume from the contract."""
    return Volume(
        sr_id=told.sr_id,
        name=told.name,
        type=told.type,
        content_type=told.content_type,
        sm_config=dict(told.sm_config),
        device_config=dict(told.device_config),
        secrets=dict(told.secrets),
        disks=tuple(_disk(disk) for disk in told.disks),
    )


def _disk_message(value: VolumeDisk) -> checks_pb2.VolumeDisk:
    return checks_pb2.VolumeDisk(
        vdi_id=value.vdi_id,
        name=value.name,
        location=value.location,
        sm_config=value.sm_config,
        sharable=value.sharable,
        read_only=value.read_only,
    )


def _disk(told: checks_pb2.VolumeDisk) -> VolumeDisk:
    return VolumeDisk(
        vdi_id=told.vdi_id,
        name=told.name,
        location=told.location,
        sm_config=dict(told.sm_config),
        sharable=told.sharable,
        read_only=told.read_only,
    )
