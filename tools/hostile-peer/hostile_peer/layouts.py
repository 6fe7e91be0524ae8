"""What validators sign, and what they prove with it: docs/wire.md, sections 6 to 9."""

from typing import NamedTuple

from .canonical import tagged
from .reading import Reader

WINDOW = 64
MOST_VALIDATORS = 64
EVIDENCE_HEADERS = 256


class Point(NamedTuple):
    index: int
    hash: bytes


def point(reader):
    return Point(reader.number(8), reader.raw(32))


class Header(NamedTuple):
    kind: int
    epoch: int
    term: int
    index: int
    author: int
    previous: bytes
    body_root: bytes
    count: int
    timestamp: int
    raw: bytes


def header(reader):
    start = reader.at
    values = (
        reader.choice(0, 1),
        reader.number(8),
        reader.number(8),
        reader.number(8),
        reader.number(2),
        reader.raw(32),
        reader.raw(32),
        reader.number(4),
        reader.number(8),
    )
    reader.choice(0)
    return Header(*values, reader.data[start : reader.at])


class SignedHeader(NamedTuple):
    header: Header
    signature: bytes


def signed_header(reader):
    return SignedHeader(header(reader), reader.raw(64))


class Signed(NamedTuple):
    """A signed body: who signed, what it says, the bytes that are signed, the signature."""

    signer: int
    body: object
    raw: bytes
    tag: str
    signature: bytes


def signed(tag, read):
    def reading(reader):
        signer, start = reader.number(2), reader.at
        body = read(reader)
        return Signed(signer, body, reader.data[start : reader.at], tag, reader.raw(64))

    return reading


class Vote(NamedTuple):
    epoch: int
    term: int
    accepted: Point | None
    locked: Point | None
    applied: Point | None


def vote(reader):
    epoch, term = reader.number(8), reader.number(8)
    # An applied pair is laid out as a point is.
    return Vote(epoch, term, *(reader.option(point) for _ in range(3)))


signed_vote = signed("hawser/v1/vote", vote)


class Grant(NamedTuple):
    epoch: int
    term: int
    base: Point
    reports: bytes


def grant(reader):
    return Grant(reader.number(8), reader.number(8), point(reader), reader.raw(32))


signed_grant = signed("hawser/v1/vote-granted", grant)


class Leave(NamedTuple):
    epoch: int
    term: int
    reason: tuple
    followed: bool


def reason(reader):
    kind = reader.choice(0, 1, 2, 3, 4)
    return (kind, reader.raw(32), reader.number(8)) if kind == 1 else (kind,)


def leave(reader):
    return Leave(reader.number(8), reader.number(8), reason(reader), reader.bool())


signed_leave = signed("hawser/v1/leave", leave)


class QuorumCertificate(NamedTuple):
    counted: int
    header: Header
    following: list
    votes: list


def quorum_certificate(reader):
    return QuorumCertificate(
        reader.choice(0, 1),
        header(reader),
        reader.list(header, WINDOW),
        reader.list(signed_vote, MOST_VALIDATORS),
    )


class ElectionCertificate(NamedTuple):
    grant: Grant
    raw: bytes
    grants: list


def election_certificate(reader):
    start = reader.at
    granted = grant(reader)
    raw = reader.data[start : reader.at]
    grants = reader.list(lambda it: (it.number(2), it.raw(64)), MOST_VALIDATORS)
    signatures = [Signed(node, granted, raw, "hawser/v1/vote-granted", one) for node, one in grants]
    return ElectionCertificate(granted, raw, signatures)


class LeaveCertificate(NamedTuple):
    epoch: int
    term: int
    leaves: list


def leave_certificate(reader):
    leaves = reader.number(8), reader.number(8), reader.list(signed_leave, MOST_VALIDATORS)
    return LeaveCertificate(*leaves)


class Report(NamedTuple):
    epoch: int
    term: int
    pair_term: int
    pair_point: Point
    headers: list
    justification: object
    accept: QuorumCertificate | None
    commit: QuorumCertificate | None
    leave: LeaveCertificate


def justification(reader):
    kind = reader.choice(0, 1, 2)
    return [lambda _: None, election_certificate, quorum_certificate][kind](reader)


def report(reader):
    return Report(
        reader.number(8),
        reader.number(8),
        reader.number(8),
        point(reader),
        reader.list(signed_header, WINDOW),
        justification(reader),
        reader.option(quorum_certificate),
        reader.option(quorum_certificate),
        leave_certificate(reader),
    )


signed_report = signed("hawser/v1/report", report)


class AppendReply(NamedTuple):
    epoch: int
    term: int
    round: int
    matched: Point | None


def append_reply(reader):
    start = reader.number(8), reader.number(8), reader.number(8)
    if reader.choice(0, 1) == 0:
        return AppendReply(*start, point(reader))
    reader.number(8)
    return AppendReply(*start, None)


signed_append_reply = signed("hawser/v1/raft/append-reply", append_reply)


class Evidence(NamedTuple):
    epoch: int
    offence: str
    parts: tuple


def evidence(reader):
    epoch = reader.number(8)
    offence, parts = [
        ("equivocation", lambda: (reader.number(2), signed_header(reader), signed_header(reader))),
        (
            "forked votes",
            lambda: (
                signed_vote(reader),
                signed_vote(reader),
                reader.choice(0, 1, 2, 3),
                reader.list(header, EVIDENCE_HEADERS),
            ),
        ),
        ("two grants", lambda: (signed_grant(reader), signed_grant(reader))),
        ("two results", lambda: (signed_vote(reader), signed_vote(reader))),
        ("false report", lambda: (signed_report(reader), signed_vote(reader))),
    ][reader.choice(0, 1, 2, 3, 4)]
    return Evidence(epoch, offence, parts())


def evidence_id(data):
    return tagged("hawser/v1/evidence-id", data)


class Entry(NamedTuple):
    signed: SignedHeader
    payloads: list


def entry(reader):
    # The largest payload is a term record; 1024 payloads are in no entry of that size.
    return Entry(signed_header(reader), reader.list(lambda it: it.bytes(6_291_456), 1024))


def term_record(data):
    """The election certificate, if there is one, and the bytes of the list of reports."""
    reader = Reader(data)
    election = reader.option(election_certificate)
    start = reader.at
    reader.list(signed_report, MOST_VALIDATORS)
    reader.end()
    return election, data[start:]
