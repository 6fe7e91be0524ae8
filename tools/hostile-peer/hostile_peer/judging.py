"""Whether what validators signed holds: docs/wire.md, sections 3, 6 and 8."""

from functools import lru_cache

from . import layouts, signatures

# One statement stands in many places of a file.
_good = lru_cache(maxsize=4096)(signatures.holds)


class Refused(Exception):
    """What was read is well formed and proves nothing."""


def need(condition, reason):
    if not condition:
        raise Refused(reason)


def signature(genesis, position, digest, signed):
    """Whether the validator at that position signed the digest; zeros where the mode signs nothing."""
    key = genesis.key_of(position)
    if genesis.mode == "raft":
        return key is not None and signed == bytes(64)
    return key is not None and _good(key, digest, signed)


def holds(genesis, statement):
    """Whether a signed body is of this network, epoch 0, and its signer's."""
    digest = genesis.domain.digest(statement.tag, statement.raw)
    return statement.body.epoch == 0 and signature(genesis, statement.signer, digest, statement.signature)


def hash_of(genesis, header):
    return genesis.domain.digest("hawser/v1/entry", header.raw, header.epoch)


def point_of(genesis, header):
    return layouts.Point(header.index, hash_of(genesis, header))


def header_signed(genesis, signed):
    """Whether an entry's header is of epoch 0 and its author's."""
    header = signed.header
    digest = genesis.domain.digest("hawser/v1/entry-signature", hash_of(genesis, header), header.epoch)
    return header.epoch == 0 and signature(genesis, header.author, digest, signed.signature)


def author_leads(genesis, header):
    """In mode `byzantine` an entry is its leader's."""
    return genesis.mode != "byzantine" or header.author == header.term % genesis.sizes.validators


def check_linked(genesis, headers):
    """Each header follows the one before."""
    for last, header in zip(headers, headers[1:]):
        linked = header.previous == hash_of(genesis, last) and header.index == last.index + 1
        need(linked and header.term >= last.term and header.epoch == last.epoch, "headers are not linked")


def distinct(genesis, signers):
    """The signers, if they are distinct and configured."""
    found = set(signers)
    need(len(found) == len(signers), "somebody signed twice")
    need(all(genesis.key_of(one) is not None for one in found), "somebody unknown signed")
    return found


def check_quorum(genesis, certificate):
    """Section 8: an accept or a commit certificate."""
    signers = distinct(genesis, [vote.signer for vote in certificate.votes])
    need(len(signers) >= genesis.sizes.quorum, "the votes are no quorum")
    term = certificate.header.term
    need(certificate.header.epoch == 0, "the certificate is of another epoch")
    headers = [certificate.header, *certificate.following]
    check_linked(genesis, headers)
    need(all(header.term == term for header in headers), "the headers are of several terms")
    points = {point_of(genesis, header) for header in headers}
    for vote in certificate.votes:
        voted = vote.body.locked if certificate.counted else vote.body.accepted
        need(vote.body.term == term and voted in points, "a vote is for something else")
        need(holds(genesis, vote), "a vote's signature does not hold")


def commits(genesis, certificate):
    needed = genesis.sizes.quorum if certificate.counted else genesis.sizes.fast
    return len(certificate.votes) >= needed


def check_election(genesis, certificate):
    signers = distinct(genesis, [grant.signer for grant in certificate.grants])
    need(len(signers) >= genesis.sizes.quorum, "the grants are no quorum")
    need(all(holds(genesis, grant) for grant in certificate.grants), "a grant's signature does not hold")


def check_leave(genesis, certificate):
    signers = distinct(genesis, [leave.signer for leave in certificate.leaves])
    need(len(signers) >= genesis.sizes.quorum, "the leaves are no quorum")
    for leave in certificate.leaves:
        same = (leave.body.epoch, leave.body.term) == (certificate.epoch, certificate.term)
        need(same and holds(genesis, leave), "a leave is of another term, or not signed")
