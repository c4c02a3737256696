import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.errors import InputError
from simulators.plc.address import Address, ModbusPlace, modbus_place, parse_address


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("%IX0.3", ModbusPlace("discrete_input", 3, 1)),
        ("%QX1.2", ModbusPlace("coil", 10, 1)),
        ("%IW5", ModbusPlace("input_register", 5, 1)),
        ("%QW7", ModbusPlace("holding_register", 7, 1)),
        ("%MW0", ModbusPlace("holding_register", 1024, 1)),
        ("%MD3", ModbusPlace("holding_register", 2054, 2)),
        ("%ML1", ModbusPlace("holding_register", 4100, 4)),
        ("%MX0.0", ModbusPlace("coil", 8192, 1)),
        ("%ID1", ModbusPlace("input_register", 2050, 2)),
    ],
)
def test_modbus_finds_addresses_where_openplc_has_them(text: str, place: ModbusPlace) -> None:
    assert modbus_place(parse_address(text)) == place


def test_case_and_a_missing_width() -> None:
    assert parse_address("%ix0.1") == parse_address("%I0.1") == Address("I", "X", 0, 1)


@pytest.mark.parametrize(
    "text", ["", "%", "IX0.0", "%ZX0.0", "%IX0", "%IX0.8", "%IW0.1", "%MD-1", "%MD999999"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"%IX0.3"):
        parse_address(text)


def test_a_byte_has_no_place_in_modbus() -> None:
    with pytest.raises(InputError):
        modbus_place(parse_address("%MB0"))


ADDRESSES = st.builds(
    lambda area, width, index, bit: Address(area, width, index, bit if width == "X" else 0),
    st.sampled_from("IQM"),
    st.sampled_from("XBWDL"),
    st.integers(0, 400),
    st.integers(0, 7),
)


@given(ADDRESSES)
def test_written_and_read_back(address: Address) -> None:
    assert parse_address(str(address)) == address


@given(st.lists(ADDRESSES.filter(lambda a: a.width != "B"), unique=True, max_size=40))
def test_no_two_addresses_share_a_register(addresses: list[Address]) -> None:
    taken = [
        (place.table, place.start + offset)
        for place in map(modbus_place, addresses)
        for offset in range(place.count)
    ]
    assert len(taken) == len(set(taken))
