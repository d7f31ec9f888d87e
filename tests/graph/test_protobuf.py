"""The wire format: all that protobuf's readers differ about is refused, and what is written is canonical."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaecli.graph import protobuf
from aaecli.graph.protobuf import Field, read

INNER = {1: Field("value", "int")}
SCHEMA = {
    1: Field("number", "int"),
    2: Field("name", "text"),
    3: Field("numbers", "int", repeated=True),
    4: Field("reals", "float", repeated=True),
    5: Field("inner", "message", schema=INNER),
    6: Field("", "ignored"),
    7: Field("a bomb", "refused"),
    8: Field("real", "float"),
    9: Field("many", "message", repeated=True, schema=INNER),
}


def joined(*pieces):
    return b"".join(bytes(piece) for piece in pieces)


@given(st.integers(-(2**63), 2**63 - 1), st.text(max_size=9), st.lists(st.integers(-(2**63), 2**63 - 1), max_size=9))
def test_what_is_written_is_read(number, name, numbers):
    body = joined(
        *protobuf.integer(1, number),
        *protobuf.text(2, name),
        *(piece for entry in numbers for piece in protobuf.integer(3, entry)),
        *protobuf.block(5, protobuf.integer(1, 7)),
    )
    found = read(body, SCHEMA)
    assert (found["number"], found["name"], found["numbers"]) == (number, name, numbers)
    assert found["inner"] == {"value": 7}
    assert found["many"] == []
    assert "real" not in found


def test_numbers_may_be_packed_or_not():
    packed = b"\x1a\x03\x01\xac\x02"
    loose = b"\x18\x01\x18\xac\x02"
    assert read(packed, SCHEMA)["numbers"] == read(loose, SCHEMA)["numbers"] == [1, 300]
    assert [bytes(part) for part in read(b"\x22\x08" + bytes(8) + b"\x25" + bytes(4), SCHEMA)["reals"]] == [
        bytes(8),
        bytes(4),
    ]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\x88\x80\x80\x80\x10\x05", "does not have"),  # number's tag with a bit beyond 32: C++ reads field 1
        (b"\x88\x80\x00\x05", "damaged"),  # a tag that is padded
        (b"\x88\x80\x80\x80\x80\x80\x80\x80\x80\x00\x05", "damaged"),
        (b"\xf8\xff\xff\xff\x1f\x05", "does not have"),  # a tag of 33 bits
        (b"\x08\x85\x00", "damaged"),  # a number that is padded
        (b"\x08" + b"\xff" * 9 + b"\x02", "damaged"),  # a number of more than 64 bits
        (b"\x08" + b"\x80" * 10 + b"\x01", "damaged"),
        (b"\x12\x81\x00a", "damaged"),  # a length that is padded
        (b"\x12\x05a", "damaged"),
        (b"\x08", "damaged"),
        (b"\x0a\x01\x05", "damaged"),  # a number alone, packed
        (b"\x10\x05", "damaged"),  # a name that is a number
        (b"\x2d\x00\x00\x00\x00", "damaged"),  # a message that is a float
        (b"\x25\x00\x00", "damaged"),
        (b"\x22\x03\x00\x00\x00", "damaged"),
        (b"\x0b\x0c", "damaged"),  # groups
        (b"\x09" + bytes(8), "damaged"),  # 64 bits
        (b"\x0e\x00", "damaged"),  # wire types that there are not
        (b"\x00\x00", "does not have"),  # field 0
        (b"\x50\x00", "does not have"),  # an unknown field
        (b"\x08\x01\x08\x02", "twice"),
        (b"\x2a\x00\x2a\x00", "twice"),  # protobuf would merge them
        (b"\x12\x01\xff", "damaged"),
        (b"\x3a\x00", "a bomb"),
        (b"\x30\x01", "damaged"),  # what is passed over has a wire type too
    ],
)
def test_what_readers_differ_about_is_refused(body, said):
    with pytest.raises(ValueError, match=said):
        read(body, SCHEMA)


def test_many_parts_are_refused_before_they_take_long():
    for body in (b"\x18\x01" * 2**19, b"\x1a\x80\x80\x20" + b"\x01" * 2**19, b"\x4a\x00" * 2**19):
        with pytest.raises(ValueError, match="parts"):
            read(body, SCHEMA)
