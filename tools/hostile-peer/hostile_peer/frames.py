"""What a node refuses a client: docs/wire.md, sections 12.4 and 13."""

from . import transactions
from .reading import Malformed, Reader, whole

SERVER_FRAMES = 11
REFUSED = 2


def _bytes(reader):
    return reader.raw(reader.number(8))


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
