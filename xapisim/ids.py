"""Refs and uuids that come out the same for the same seed, so that documents can quote them."""

import uuid


class Ids:
    """Fresh uuids and refs in a sequence that the seed decides, and ones derived from names."""

    def __init__(self, seed: int, scope: str) -> None:
        self._namespace = uuid.uuid5(uuid.NAMESPACE_URL, f"xapisim/{seed}/{scope}")
        self._given = 0

    def fresh_uuid(self) -> str:
        self._given += 1
        return str(uuid.uuid5(self._namespace, f"fresh/{self._given}"))

    def fresh_ref(self) -> str:
        return f"OpaqueRef:{self.fresh_uuid()}"

    def uuid_for(self, *names: str) -> str:
        return str(uuid.uuid5(self._namespace, "/".join(names)))

    def ref_for(self, *names: str) -> str:
        return f"OpaqueRef:{self.uuid_for('ref', *names)}"
