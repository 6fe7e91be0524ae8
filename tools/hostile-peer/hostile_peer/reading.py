"""Bytes and JSON from outside, read strictly: docs/wire.md, sections 2, 5, 9 and 11."""

import json


class Malformed(Exception):
    """What was read is no value of the layout or the form."""


class Reader:
    """Section 2: nothing is left over, nothing is missing, no undefined tag."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def raw(self, length):
        if len(self.data) - self.at < length:
            raise Malformed("it ends inside a value")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self, width):
        return int.from_bytes(self.raw(width), "little")

    def bool(self):
        value = self.number(1)
        if value > 1:
            raise Malformed(f"{value} is no bool")
        return bool(value)

    def choice(self, *values):
        value = self.number(1)
        if value not in values:
            raise Malformed(f"{value} is none of {values}")
        return value

    def option(self, read):
        return read(self) if self.bool() else None

    def bytes(self, limit):
        length = self.number(4)
        if length > limit:
            raise Malformed(f"{length} bytes are more than {limit}")
        return self.raw(length)

    def list(self, read, limit):
        count = self.number(4)
        if count > limit:
            raise Malformed(f"{count} elements are more than {limit}")
        return [read(self) for _ in range(count)]

    def end(self):
        if self.at != len(self.data):
            raise Malformed("bytes are left over")


def whole(read, data):
    """One value and nothing after it."""
    reader = Reader(data)
    value = read(reader)
    reader.end()
    return value


def _object(pairs):
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("a field stands twice in one object")
    return fields


def _refuse(number):
    raise Malformed(f"{number} is no whole number")


def read_json(text):
    """JSON without doubled fields and broken numbers."""
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Malformed("it is not UTF-8") from error
    try:
        return json.loads(
            text, object_pairs_hook=_object, parse_constant=_refuse, parse_float=_refuse
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise Malformed(f"it is no JSON: {error}") from error


def fields(value, needed, allowed=()):
    """An object with all of these fields, perhaps with those, and with no others."""
    if not isinstance(value, dict):
        raise Malformed("an object is needed")
    missing = set(needed) - set(value)
    unknown = set(value) - set(needed) - set(allowed)
    if missing or unknown:
        raise Malformed(f"missing fields: {sorted(missing)}, unknown ones: {sorted(unknown)}")
    return value


def items(value, limit):
    """A list of at most so many elements."""
    if not isinstance(value, list) or len(value) > limit:
        raise Malformed(f"a list of at most {limit} elements is needed")
    return value


def text(value):
    if not isinstance(value, str):
        raise Malformed("a text is needed")
    return value


def whole_number(value, most):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Malformed(f"a whole number up to {most} is needed")
    return value


def hexadecimal(value, length=None):
    """Bytes in lower-case hexadecimal."""
    digits = text(value)
    if len(digits) % 2 or not set(digits) <= set("0123456789abcdef"):
        raise Malformed("lower-case hexadecimal is needed")
    data = bytes.fromhex(digits)
    if length is not None and len(data) != length:
        raise Malformed(f"{length} bytes are needed, not {len(data)}")
    return data
