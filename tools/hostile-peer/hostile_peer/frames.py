"""What clients ask and nodes answer, as far as it is used here: docs/wire.md, sections 12.4 and 13."""

from . import transactions
from .canonical import u32, u64
from .reading import Malformed, Reader, whole

SERVER_FRAMES = 11
REFUSED, RECEIPT = 2, 7
ASK_RECEIPT = 7
MOST = 1 << 20


def _bytes(reader):
    return reader.raw(reader.number(8))


def _many(reader, read):
    count = reader.number(8)
    if count > MOST:
        raise Malformed(f"no frame holds {count} elements")
    return [read(reader) for _ in range(count)]


def _id(reader):
    found = _bytes(reader)
    if len(found) != 32:
        raise Malformed(f"an id of {len(found)} bytes")
    return found


def _text(reader):
    try:
        return _bytes(reader).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("it is not UTF-8") from error


def _settled(reader):
    return {"settled": reader.bool(), "result": whole(transactions.result, _bytes(reader))}


REFUSALS = [
    ("busy", lambda reader: reader.number(8)),
    ("invalid", _text),
    ("no leader", lambda reader: None),
    ("not leader", lambda reader: reader.number(2)),
    ("stale term", lambda reader: (reader.number(8), reader.option(lambda it: it.number(2)))),
    ("bad signature", lambda reader: None),
    ("too many", lambda reader: None),
    ("stopping", lambda reader: None),
    ("not admitted", _settled),
]


def variant(reader, count):
    number = reader.number(4)
    if number >= count:
        raise Malformed(f"there is no variant {number}")
    return number


def refusal(data):
    """The id and the reason of a server frame that refuses something; none of another frame."""
    reader = Reader(data)
    if variant(reader, SERVER_FRAMES) != REFUSED:
        return None
    id_ = reader.number(8)
    name, read = REFUSALS[variant(reader, len(REFUSALS))]
    found = id_, name, read(reader)
    reader.end()
    return found


def receipt_question(id_, transaction):
    return u32(ASK_RECEIPT) + u64(id_) + u64(len(transaction)) + transaction


def _parts(reader):
    return {
        "payload": _bytes(reader),
        "position": reader.number(4),
        "path": _many(reader, _id),
        "header": _bytes(reader),
        "following": _many(reader, _bytes),
        "commit": reader.option(_bytes),
        "acknowledgements": _many(reader, _bytes),
        "result": _bytes(reader),
        "result path": _many(reader, _id),
        "result count": reader.number(4),
        "digest before": _id(reader),
        "results roots": _many(reader, _id),
        "result votes": _many(reader, _bytes),
    }


def receipt_parts(data):
    """The id and the parts of a server frame with those of a receipt; none of another frame."""
    reader = Reader(data)
    if variant(reader, SERVER_FRAMES) != RECEIPT:
        return None
    found = reader.number(8), reader.option(_parts)
    reader.end()
    return found
