"""What may be set for floating IPs, and what a start without the means says."""

import pytest

from hostagent.dataplane import choosing
from hostagent.dataplane.carrier import Remembered
from hostagent.dataplane.neighbours import Arrival, frames
from hostagent.model.floating_ips import FloatingIpSettings

OWN = bytes.fromhex("020000000001")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"floating_ip_driver": "iptables"}, "must be none or nftables, not 'iptables'"),
        ({"floating_ip_driver": "nftables"}, "needs a public_interface"),
        ({"public_interface": "an-interface-too-long"}, "at most 15 characters"),
        ({"instance_interface": "an-interface-too-long"}, "at most 15 characters"),
    ],
)
def test_settings_that_can_not_work_are_refused(given: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        FloatingIpSettings(
            floating_ip_driver=given.get("floating_ip_driver", "none"),
            public_interface=given.get("public_interface", ""),
            instance_interface=given.get("instance_interface", ""),
        )


async def test_an_agent_touches_nothing_unless_it_is_told_to() -> None:
    carrier = await choosing.open_carrier(FloatingIpSettings())

    assert isinstance(carrier, Remembered)
    await carrier.announce([Arrival("10.0.0.5", "02:00:00:00:00:05")])


def test_an_arrival_is_told_as_request_and_as_reply_from_the_interfaces_own_address() -> None:
    """Frames as RFC 826 and RFC 5227 have them."""
    request, reply = frames(Arrival("10.0.0.5", "02:00:00:00:00:05"), OWN)

    begin = "ffffffffffff" + OWN.hex() + "0806" + "0001080006040001"
    assert request.hex() == begin + "020000000005" + "0a000005" + "000000000000" + "0a000005"
    assert reply.hex() == begin[:-1] + "2" + "020000000005" + "0a000005" + "f" * 12 + "0a000005"


def test_an_arrival_of_an_ipv6_address_is_an_advertisement_that_overrides() -> None:
    """A frame as RFC 4861 has it; the checksum covers the pseudo header."""
    (frame,) = frames(Arrival("fd00::5"), OWN)

    assert frame[:14].hex() == "333300000001" + OWN.hex() + "86dd"
    payload = frame[54:]
    assert (payload[0], payload[4]) == (136, 0x20)
    assert payload[-8:] == b"\x02\x01" + OWN
    pseudo = frame[22:54] + len(payload).to_bytes(4, "big") + (58).to_bytes(4, "big")
    words = pseudo + payload
    total = sum(int.from_bytes(words[at : at + 2], "big") for at in range(0, len(words), 2))
    assert (total & 0xFFFF) + (total >> 16) == 0xFFFF
