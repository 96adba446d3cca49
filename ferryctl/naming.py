"""From what an operator types to what the contract wants: instances by uuid, filters by uuid."""

import uuid

from ferryctl import paging, problems
from ferryctl.session import Controller
from xenferry.controller.v1 import inventory_pb2

# More than anybody reads; a name borne more often than this is answered with the first ones.
NAMESAKES = 100


def is_uuid(text: str) -> bool:
    """Tell whether a text is a uuid in its usual spelling."""
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def instance_id(controller: Controller, name: str) -> str:
    """Return the uuid of the one instance that bears a name; a uuid is taken as it is.

    Raises UnknownInstance and AmbiguousInstance.
    """
    if is_uuid(name):
        return name.lower()
    request = inventory_pb2.ListInstancesRequest(name=name, page_size=NAMESAKES)
    answer = controller.inventory.ListInstances(request, timeout=controller.timeout_s)
    found = [instance.facts for instance in answer.instances]
    if not found:
        raise problems.UnknownInstance(name)
    if len(found) > 1:
        hosts = host_names(controller)
        places = [
            f"{facts.instance_id}  {hosts.get(facts.host_id, 'not running')}" for facts in found
        ]
        raise problems.AmbiguousInstance(name, places)
    return found[0].instance_id


def host_id(controller: Controller, name: str) -> str:
    """Return the uuid of a host given by uuid or unique name, as the controller resolves it."""
    if is_uuid(name):
        return name.lower()
    request = inventory_pb2.GetHostRequest(host=name)
    return controller.inventory.GetHost(request, timeout=controller.timeout_s).facts.host_id


def host_names(controller: Controller) -> dict[str, str]:
    """Return the names of all hosts by uuid."""
    return {host.facts.host_id: host.facts.name for host in all_hosts(controller)}


def all_hosts(controller: Controller) -> list[inventory_pb2.Host]:
    """Return every host."""
    request = inventory_pb2.ListHostsRequest(page_size=paging.LARGEST_PAGE)
    pages = paging.pages(controller.inventory.ListHosts, request, controller.timeout_s)
    return [host for page in pages for host in page.hosts]


def all_instances(controller: Controller, on_host_id: str) -> list[inventory_pb2.Instance]:
    """Return every instance, or every one of a host."""
    request = inventory_pb2.ListInstancesRequest(host_id=on_host_id, page_size=paging.LARGEST_PAGE)
    pages = paging.pages(controller.inventory.ListInstances, request, controller.timeout_s)
    return [instance for page in pages for instance in page.instances]
