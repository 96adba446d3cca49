"""`ferryctl floating-ip`: pools of addresses, and where each address leads."""

import uuid
from typing import Annotated

import typer
from google.protobuf.message import Message

from ferryctl import calling, documents, naming, paging, screen
from ferryctl.commands import arguments
from ferryctl.session import Controller, Session
from ferryctl.views import floating_ips as views
from xenferry.controller.v1 import floating_ips_pb2

app = typer.Typer(
    help="Addresses that lead to instances, wherever those run.", no_args_is_help=True
)

Pool = Annotated[str, typer.Argument(help="uuid or name of a pool.")]
FloatingIp = Annotated[str, typer.Argument(help="uuid or address of a floating IP.")]
OfPool = Annotated[str, typer.Option("--pool", help="Only those of this pool (uuid or name).")]
OfInstance = Annotated[str, typer.Option("--instance", help="Only those that lead to it.")]
First = Annotated[str, typer.Option("--first", help="First address to give out.")]
Last = Annotated[str, typer.Option("--last", help="Last address to give out.")]
PrefixLength = Annotated[
    int, typer.Option("--prefix-length", help="Put addresses up with it; default: 32, or 128.")
]
Address = Annotated[str, typer.Option("--address", help="This one; default: the lowest free one.")]
Fixed = Annotated[
    str, typer.Option("--fixed", help="Which address of the instance; default: its only one.")
]
Unverified = Annotated[
    bool, typer.Option("--unverified", help="Take a --fixed that the instance does not tell of.")
]
Missing = Annotated[bool, typer.Option("--allow-missing", help="One that is gone is no error.")]


@app.command("pool-create")
def pool_create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new pool.")],
    cidr: Annotated[str, typer.Argument(help="Network of the addresses: 203.0.113.0/24.")],
    first: First = "",
    last: Last = "",
    prefix_length: PrefixLength = 0,
) -> None:
    """Make a pool of addresses."""
    request = floating_ips_pb2.CreateFloatingIpPoolRequest(
        name=name, cidr=cidr, first_address=first, last_address=last, prefix_length=prefix_length
    )
    session: Session = context.obj
    with session.connect() as controller:
        stub = controller.floating_ips
        made = calling.repeated(
            lambda: stub.CreateFloatingIpPool(request, timeout=controller.timeout_s)
        )
    _show_pools(session, [made], made)


@app.command("pool-list")
def pool_list(context: typer.Context) -> None:
    """List the pools, with how many addresses are taken."""
    session: Session = context.obj
    with session.connect() as controller:
        found = _all_pools(controller)
    _show_pools(session, found)


@app.command("pool-delete")
def pool_delete(context: typer.Context, pool: Pool, allow_missing: Missing = False) -> None:
    """Delete a pool that has no address taken."""
    request = floating_ips_pb2.DeleteFloatingIpPoolRequest(pool=pool, allow_missing=allow_missing)
    session: Session = context.obj
    with session.connect() as controller:
        controller.floating_ips.DeleteFloatingIpPool(request, timeout=controller.timeout_s)
    _say_done(session, f"pool {pool} is deleted")


@app.command()
def allocate(context: typer.Context, pool: Pool, address: Address = "") -> None:
    """Take an address from a pool."""
    request = floating_ips_pb2.AllocateFloatingIpRequest(
        pool=pool, address=address, request_id=str(uuid.uuid4())
    )
    session: Session = context.obj
    with session.connect() as controller:
        stub = controller.floating_ips
        taken = calling.repeated(
            lambda: stub.AllocateFloatingIp(request, timeout=controller.timeout_s)
        )
        _show(session, controller, taken)


@app.command()
def associate(
    context: typer.Context,
    floating_ip: FloatingIp,
    instance: arguments.Instance,
    fixed: Fixed = "",
    unverified: Unverified = False,
) -> None:
    """Lead a floating IP to an address of an instance."""
    session: Session = context.obj
    with session.connect() as controller:
        request = floating_ips_pb2.AssociateFloatingIpRequest(
            floating_ip=floating_ip,
            instance=naming.instance_id(controller, instance),
            fixed_address=fixed,
            unverified=unverified,
        )
        stub = controller.floating_ips
        led = calling.repeated(
            lambda: stub.AssociateFloatingIp(request, timeout=controller.timeout_s)
        )
        _show(session, controller, led)


@app.command()
def disassociate(context: typer.Context, floating_ip: FloatingIp) -> None:
    """Lead a floating IP nowhere; it stays taken."""
    request = floating_ips_pb2.DisassociateFloatingIpRequest(floating_ip=floating_ip)
    session: Session = context.obj
    with session.connect() as controller:
        stub = controller.floating_ips
        free = calling.repeated(
            lambda: stub.DisassociateFloatingIp(request, timeout=controller.timeout_s)
        )
        _show(session, controller, free)


@app.command()
def release(
    context: typer.Context, floating_ip: FloatingIp, allow_missing: Missing = False
) -> None:
    """Give an address back to its pool."""
    request = floating_ips_pb2.ReleaseFloatingIpRequest(
        floating_ip=floating_ip, allow_missing=allow_missing
    )
    session: Session = context.obj
    with session.connect() as controller:
        controller.floating_ips.ReleaseFloatingIp(request, timeout=controller.timeout_s)
    _say_done(session, f"{floating_ip} is released")


@app.command("list")
def list_(context: typer.Context, pool: OfPool = "", instance: OfInstance = "") -> None:
    """List the floating IPs, with where they lead and who carries them."""
    session: Session = context.obj
    with session.connect() as controller:
        instance_id = naming.instance_id(controller, instance) if instance else ""
        found = _all_floating_ips(controller, pool, instance_id)
        if session.json:
            documents.write_all(found)
        else:
            screen.out().print(views.floating_ips(found, _names(controller)))


@app.command()
def show(context: typer.Context, floating_ip: FloatingIp) -> None:
    """Show one floating IP."""
    request = floating_ips_pb2.GetFloatingIpRequest(floating_ip=floating_ip)
    session: Session = context.obj
    with session.connect() as controller:
        found = controller.floating_ips.GetFloatingIp(request, timeout=controller.timeout_s)
        _show(session, controller, found)


def _show(session: Session, controller: Controller, found: floating_ips_pb2.FloatingIp) -> None:
    if session.json:
        documents.write(found)
    else:
        screen.out().print(views.floating_ips([found], _names(controller)))
        if found.problem:
            screen.remark(found.problem, "yellow")


def _show_pools(
    session: Session, found: list[floating_ips_pb2.FloatingIpPool], alone: Message | None = None
) -> None:
    if not session.json:
        screen.out().print(views.pools(found))
    elif alone is not None:
        documents.write(alone)
    else:
        documents.write_all(found)


def _say_done(session: Session, text: str) -> None:
    if not session.json:
        screen.say(text)


def _names(controller: Controller) -> views.Names:
    instances = naming.all_instances(controller, "")
    return views.Names(
        hosts=naming.host_names(controller),
        instances={each.facts.instance_id: each.facts.name for each in instances},
    )


def _all_pools(controller: Controller) -> list[floating_ips_pb2.FloatingIpPool]:
    request = floating_ips_pb2.ListFloatingIpPoolsRequest(page_size=paging.LARGEST_PAGE)
    call = controller.floating_ips.ListFloatingIpPools
    pages = paging.pages(call, request, controller.timeout_s)
    return [pool for page in pages for pool in page.pools]


def _all_floating_ips(
    controller: Controller, pool: str, instance_id: str
) -> list[floating_ips_pb2.FloatingIp]:
    request = floating_ips_pb2.ListFloatingIpsRequest(
        pool=pool, instance_id=instance_id, page_size=paging.LARGEST_PAGE
    )
    call = controller.floating_ips.ListFloatingIps
    pages = paging.pages(call, request, controller.timeout_s)
    return [found for page in pages for found in page.floating_ips]
