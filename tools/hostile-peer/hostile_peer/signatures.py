"""The one predicate for signatures (docs/wire.md, section 3), and the points behind it."""

import hashlib

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)
IDENTITY = (0, 1, 1, 0)


def decode(data):
    """A point in extended coordinates, or None if the bytes are none. Not only canonical ones are read."""
    number = int.from_bytes(data, "little")
    sign, y = number >> 255, (number & ((1 << 255) - 1)) % P
    over, under = (y * y - 1) % P, (D * y * y + 1) % P
    x = over * pow(under, 3, P) * pow(over * pow(under, 7, P), (P - 5) // 8, P) % P
    if under * x * x % P == -over % P:
        x = x * ROOT % P
    if under * x * x % P != over:
        return None
    if x & 1 != sign:
        x = -x % P
    return x, y, 1, x * y % P


def encode(point):
    x, y, z, _ = point
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def add(one, other):
    x1, y1, z1, t1 = one
    x2, y2, z2, t2 = other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * D * t1 * t2 % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(number, point):
    total = IDENTITY
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def is_small(point):
    """Whether its order divides the cofactor."""
    x, y, z, _ = multiply(8, point)
    return x == 0 and y == z


def may_be_registered(key):
    """A canonical point of more than small order (section 4)."""
    point = decode(key)
    return point is not None and encode(point) == key and not is_small(point)


def holds(key, message, signature):
    """Whether the signature is good: strictly, and without the cofactor."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    key_point, r_point = decode(key), decode(r)
    if s >= ORDER or key_point is None or r_point is None:
        return False
    if is_small(key_point) or is_small(r_point):
        return False
    x, y, z, t = key_point
    k = int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % ORDER
    # S·B − k·A, which must be R as it was sent.
    return encode(add(multiply(s, BASE), multiply(k, (-x % P, y, z, -t % P)))) == r
