"""Records as the database would write them: what a snapshot keeps of its VM, and what the
hypervisor keeps of a domain.
"""

import json

from xapisim.classes.pool import Pool
from xapisim.database.query import marshalled

_GONE = {"recommended_guidances": "()"}
"""Columns that no longer are fields."""


def metadata(pool: Pool, vm: str) -> str:
    """VM.snapshot_metadata: every column of the VM's row, the last in the alphabet first (recorded
    on xapi 26.17).
    """
    table = pool.database.tables["VM"]
    fields = table.rows[vm].fields
    columns = {field.column: fields[name] for name, field in table.class_.fields.items()}
    written = {name: marshalled(value) for name, value in columns.items()} | _GONE | {"_ref": vm}
    pairs = (f"('{name}' '{_quoted(written[name])}')" for name in sorted(written, reverse=True))
    return f"({' '.join(pairs)})"


def _quoted(text: str) -> str:
    return text.replace("\\", r"\\").replace("'", r"\'")


def domain_state(pool: Pool, vm: str) -> str:
    """VM.last_booted_record: what the hypervisor has to know of a domain to resume it, here as its
    own simulator writes it (recorded on xapi 26.17).
    """
    fields = pool.database.row("VM", vm).fields
    state = {
        "last_create_time": pool.clock.now(),
        "xsdata": {},
        **{name: [] for name in ("vusbs", "vgpus", "pcis", "vifs", "vbds")},
        "suspended": True,
        "qemu_created": False,
        "memory_dynamic_max": fields["memory_dynamic_max"],
        "memory_dynamic_min": fields["memory_dynamic_min"],
        "shadow_multiplier": fields["HVM_shadow_multiplier"],
        "vcpus": fields["VCPUs_at_startup"],
        "built": True,
        "paused": True,
        "hvm": fields["domain_type"] == "hvm",
        "uuid": fields["uuid"],
        "domid": fields["domid"],
    }
    return json.dumps(state, separators=(",", ":"))
