"""Refs and uuids that come out the same for the same seed, so that documents can quote them."""

import hashlib
import uuid


class Ids:
    """Fresh uuids and refs in a sequence that the seed decides, and ones derived from names."""

    def __init__(self, seed: int, scope: str) -> None:
        self._namespace = uuid.uuid5(uuid.NAMESPACE_URL, f"xapisim/{seed}/{scope}")
        self._given = 0

    def fresh_uuid(self) -> str:
        self._given += 1
        return self._derived(f"fresh/{self._given}")

    def fresh_ref(self) -> str:
        return f"OpaqueRef:{self.fresh_uuid()}"

    def uuid_for(self, *names: str) -> str:
        return self._derived("/".join(names))

    def ref_for(self, *names: str) -> str:
        return f"OpaqueRef:{self.uuid_for('ref', *names)}"

    def _derived(self, name: str) -> str:
        """The version 5 uuid; the library's own way takes three times as long, and a large world
        has a hundred thousand of them.
        """
        digest = bytearray(
            hashlib.sha1(self._namespace.bytes + name.encode(), usedforsecurity=False).digest()[:16]
        )
        digest[6] = digest[6] & 0x0F | 0x50
        digest[8] = digest[8] & 0x3F | 0x80
        text = digest.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
