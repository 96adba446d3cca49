"""The calls every class has, over the wire, with the errors recorded on xapi 26.17."""

from tests.contract.xapisim.client import Client

BAD = "OpaqueRef:00000000-0000-0000-0000-00000000bad0"


def test_a_record_has_integers_as_text_and_booleans_as_booleans(client: Client) -> None:
    record = client.api.VM.get_record(client.vm("web-1"))

    assert record["memory_static_max"] == "4294967296"
    assert record["is_a_template"] is False
    assert record["HVM_shadow_multiplier"] == 1.0
    assert record["suspend_VDI"] == "OpaqueRef:NULL"
    assert record["snapshot_time"].value == "19700101T00:00:00Z"


def test_an_unknown_handle_names_class_and_handle(client: Client) -> None:
    assert client.failure(client.api.VM.get_record, BAD) == ["HANDLE_INVALID", "VM", BAD]
    assert client.failure(client.api.VM.set_name_label, BAD, "x") == ["HANDLE_INVALID", "VM", BAD]
    assert client.failure(client.api.VM.get_by_uuid, "0000") == ["UUID_INVALID", "VM", "0000"]


def test_a_uuid_of_another_class_is_unknown(client: Client) -> None:
    uuid = client.api.VM.get_uuid(client.vm("web-1"))

    assert client.api.VM.get_by_uuid(uuid) == client.vm("web-1")
    assert client.failure(client.api.host.get_by_uuid, uuid) == ["UUID_INVALID", "host", uuid]


def test_names_are_looked_up_exactly(client: Client) -> None:
    assert client.api.VM.get_by_name_label("WEB-1") == []
    assert client.api.SR.get_by_name_label("nfs-1")


def test_a_renamed_object_is_found_by_its_new_name_only(client: Client) -> None:
    vm = client.vm("parked-1")

    client.api.VM.set_name_label(vm, 'odd <name> & "more" é')

    assert client.api.VM.get_by_name_label('odd <name> & "more" é') == [vm]
    assert client.api.VM.get_by_name_label("parked-1") == []
    client.api.VM.set_name_label(vm, "parked-1")


def test_a_key_can_be_added_once_and_removed_any_time(client: Client) -> None:
    vm = client.vm("parked-1")

    client.api.VM.add_to_other_config(vm, "k", "1")
    twice = client.failure(client.api.VM.add_to_other_config, vm, "k", "2")

    assert twice == ["MAP_DUPLICATE_KEY", "VM", "other_config", vm, "k"]
    client.api.VM.remove_from_other_config(vm, "k")
    client.api.VM.remove_from_other_config(vm, "k")
    assert "k" not in client.api.VM.get_other_config(vm)


def test_adding_to_a_set_twice_changes_nothing(client: Client) -> None:
    vm = client.vm("parked-1")

    client.api.VM.add_tags(vm, "t")
    client.api.VM.add_tags(vm, "t")

    assert client.api.VM.get_tags(vm) == ["t"]
    client.api.VM.remove_tags(vm, "t")
    assert client.api.VM.get_tags(vm) == []


def test_fields_that_only_xapi_writes_have_no_setter(client: Client) -> None:
    for name in ("power_state", "resident_on", "uuid"):
        call = getattr(client.api.VM, f"set_{name}")

        details = client.failure(call, client.vm("web-1"), "x")

        assert details == ["MESSAGE_METHOD_UNKNOWN", f"VM.set_{name}"]


def test_filters_speak_the_names_of_the_database(client: Client) -> None:
    query = client.api.VM.get_all_records_where

    assert list(query('field "name__label"="web-1"')) == [client.vm("web-1")]
    assert list(query('not (field "power_state"="Running")')) == [client.vm("parked-1")]
    assert query('field "name__label"="web-1" and field "power_state"="Halted"') == {}
    assert client.failure(query, 'field "name_label"="web-1"') == [
        "INTERNAL_ERROR",
        "missing field",
        "name_label",
        "",
    ]
    assert client.failure(query, "garbage")[0] == "INVALID_VALUE"


def test_relations_are_kept_on_both_sides(client: Client) -> None:
    vm = client.vm("web-1")
    (vbd,) = client.api.VM.get_VBDs(vm)

    assert client.api.VBD.get_VM(vbd) == vm
    assert vbd in client.api.VDI.get_VBDs(client.api.VBD.get_VDI(vbd))
    assert vm in client.api.host.get_resident_VMs(client.api.VM.get_resident_on(vm))


def test_values_of_the_wrong_type_are_refused_as_xapi_refuses_them(client: Client) -> None:
    vm = client.vm("parked-1")

    wrong = client.failure(client.api.VM.set_is_a_template, vm, "true")
    unknown = client.failure(client.api.VM.add_to_blocked_operations, vm, "frob", "x")

    assert wrong == ["INTERNAL_ERROR", "Failure(\"Expected bool, got 'S(true)'\")"]
    assert unknown == ["INTERNAL_ERROR", 'Failure("Unknown tag/contents")']


def test_too_few_and_too_many_parameters_are_counted_without_the_session(client: Client) -> None:
    few = client.failure(client.api.VM.pool_migrate, client.vm("web-1"))
    many = client.failure(client.api.VM.get_record, client.vm("web-1"), "x")

    assert few == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.pool_migrate", "3", "1"]
    assert many == ["MESSAGE_PARAMETER_COUNT_MISMATCH", "VM.get_record", "1", "2"]


def test_what_xapi_has_and_the_simulator_has_not_says_so(client: Client) -> None:
    details = client.failure(client.api.VM.copy_bios_strings, client.vm("web-1"), "x")

    assert details == ["NOT_IMPLEMENTED", "VM.copy_bios_strings"]


def test_what_xapi_removed_is_gone(client: Client) -> None:
    metrics = client.api.VM.get_metrics(client.vm("web-1"))

    details = client.failure(client.api.VM_metrics.get_VCPUs_utilisation, metrics)

    assert details == ["MESSAGE_REMOVED"]


def test_blocking_an_operation_takes_it_off_the_allowed_ones(client: Client) -> None:
    vm = client.vm("db-1")

    client.api.VM.add_to_blocked_operations(vm, "pool_migrate", "backup")

    assert "pool_migrate" not in client.api.VM.get_allowed_operations(vm)
    client.api.VM.remove_from_blocked_operations(vm, "pool_migrate")
    assert "pool_migrate" in client.api.VM.get_allowed_operations(vm)


def test_a_made_vm_can_be_destroyed_and_is_gone(client: Client) -> None:
    record = client.api.VM.get_record(client.vm("parked-1"))
    record["name_label"] = "made"

    vm = client.api.VM.create(record)

    assert client.api.VM.get_power_state(vm) == "Halted"
    client.api.VM.destroy(vm)
    assert client.failure(client.api.VM.destroy, vm) == ["HANDLE_INVALID", "VM", vm]


def test_a_vm_can_t_be_made_without_its_memory(client: Client) -> None:
    record = client.api.VM.get_record(client.vm("parked-1"))
    del record["memory_static_min"]

    details = client.failure(client.api.VM.create, record)

    assert details == [
        "INTERNAL_ERROR",
        'Server_helpers.Dispatcher_FieldNotFound("memory_static_min")',
    ]
