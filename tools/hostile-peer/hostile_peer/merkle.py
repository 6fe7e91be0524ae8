"""The tree of RFC 9162, section 2.1: docs/wire.md, section 6.3."""

from hashlib import sha256


def leaf(item):
    return sha256(b"\0" + item).digest()


def node(left, right):
    return sha256(b"\1" + left + right).digest()


def root(items):
    if not items:
        return sha256(b"").digest()
    if len(items) == 1:
        return leaf(items[0])
    split = 1 << (len(items) - 1).bit_length() - 1
    return node(root(items[:split]), root(items[split:]))


def includes(top, count, position, item, path):
    """Whether the path leads from the item at that position to the root (RFC 9162, section 2.1.3.2)."""
    if position >= count:
        return False
    at, last, hash_ = position, count - 1, leaf(item)
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            hash_ = node(sibling, hash_)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            hash_ = node(hash_, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and hash_ == top
