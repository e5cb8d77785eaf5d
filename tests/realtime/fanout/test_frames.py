"""Bundles: one encoding per format, and how clients read it."""

import json
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from realtime.fanout.frames import MAX_BATCH_BYTES, Bundle, Format, inflate

messages = st.lists(
    st.builds(
        lambda n, pad: json.dumps({"type": "tick", "n": n, "pad": "x" * pad}).encode(),
        st.integers(0, 9),
        st.sampled_from([0, 5, 120, 30_000, 66_000]),
    ),
    min_size=1,
    max_size=6,
)


def read(payloads, wanted):
    """Return the messages that a client reads from the payloads, in order."""
    read = []
    for payload in payloads:
        text = zlib.decompress(payload) if wanted & Format.COMPRESS else payload
        frame = json.loads(text)
        if frame["type"] == "batch_messages":
            assert frame["count"] == len(frame["messages"]) > 1
            read += frame["messages"]
        else:
            read.append(frame)
    return read


@given(messages, st.sampled_from(list(range(4))))
def test_every_format_carries_the_same_messages_in_the_same_order(sent, wanted):
    payloads = Bundle(sent).payloads(Format(wanted))
    assert read(payloads, wanted) == [json.loads(message) for message in sent]


@given(messages, st.sampled_from(list(range(4))))
def test_the_wire_is_frames_as_rfc_6455_has_them(sent, wanted):
    bundle = Bundle(sent)
    opcode = Opcode.BINARY if wanted & Format.COMPRESS else Opcode.TEXT
    payloads = bundle.payloads(Format(wanted))
    expected = b"".join(Frame(opcode, payload).serialize(mask=False) for payload in payloads)
    assert bundle.wire(Format(wanted)) == expected


@given(messages)
def test_a_batch_stays_small_unless_one_message_alone_is_larger(sent):
    for payload in Bundle(sent).payloads(Format.BATCH):
        assert len(payload) <= MAX_BATCH_BYTES + 100 or payload in sent


def test_a_bundle_is_encoded_once_for_each_format():
    bundle = Bundle([b'{"type":"tick"}'])
    assert bundle.wire(Format.COMPRESS) is bundle.wire(Format.COMPRESS)


@given(st.binary(max_size=300))
def test_whatever_comes_inflating_gives_bytes_or_a_reason(data):
    with suppress(ValueError):
        assert len(inflate(data, 1000)) <= 1000


def test_what_was_compressed_is_read():
    assert inflate(zlib.compress(b'{"action":"ping"}'), 100) == b'{"action":"ping"}'


@pytest.mark.parametrize(
    "data",
    [
        zlib.compress(b"x" * 10_000_000),
        zlib.compress(b"x")[:-1],
        zlib.compress(b"x") + b"more",
        b"plain",
    ],
)
def test_bombs_stumps_and_appendices_are_refused(data):
    with pytest.raises(ValueError, match=r"."):
        inflate(data, 1000)
