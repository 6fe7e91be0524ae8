"""Evidence, and the files that hold it: docs/wire.md, section 9."""

from . import judging, layouts
from .judging import need
from .reading import Malformed, fields, hexadecimal, read_json, whole, whole_number

FILE_BYTES = 4 << 20


def read_file(genesis, written):
    """The bytes in an evidence file of this network."""
    if len(written) > FILE_BYTES:
        raise Malformed("no evidence file is so large")
    json_ = fields(read_json(written), ("format", "network", "evidence"))
    if whole_number(json_["format"], 2**32 - 1) != 1:
        raise Malformed("it has another format than 1")
    need(hexadecimal(json_["network"], 32) == genesis.network, "it is of another network")
    return hexadecimal(json_["evidence"])


def verify_file(genesis, written):
    return verify(genesis, read_file(genesis, written))


def verify(genesis, data):
    """Who did what, if the evidence proves it."""
    found = whole(layouts.evidence, data)
    need(genesis.mode != "raft", "in mode raft nobody signs")
    need(found.epoch == 0, "it is of another epoch")
    check = {
        "equivocation": equivocation,
        "forked votes": forked_votes,
        "two grants": two_grants,
        "two results": two_results,
        "false report": false_report,
    }[found.offence]
    accused = check(genesis, *found.parts)
    name = genesis.validators[accused][0]
    return {"id": layouts.evidence_id(data).hex(), "offence": found.offence, "accused": name}


def both_signed(genesis, *statements):
    signer = statements[0].signer
    need(all(one.signer == signer for one in statements), "the statements are of different signers")
    need(all(judging.holds(genesis, one) for one in statements), "a signature does not hold")
    return signer


def equivocation(genesis, author, first, second):
    one, other = first.header, second.header
    need({one.author, other.author} == {author}, "an entry is of another author")
    need((one.term, one.index) == (other.term, other.index), "the entries are for different places")
    need(one != other, "the entries are the same")
    need(
        all(judging.header_signed(genesis, signed) for signed in (first, second)),
        "a signature does not hold",
    )
    return author


def forked_votes(genesis, lower, higher, compared, headers):
    need(lower.body.term == higher.body.term, "the votes are of different terms")
    locked = [(False, False), (True, True), (True, False), (False, True)][compared]
    low, high = (
        vote.body.locked if is_locked else vote.body.accepted
        for vote, is_locked in zip((lower, higher), locked)
    )
    need(low is not None and high is not None, "a vote has no such point")
    if low.index == high.index:
        need(not headers and low.hash != high.hash, "the votes are for one entry")
    else:
        need(headers, "nothing shows how the points lie")
        for last, header in zip(headers, headers[1:]):
            linked = header.previous == judging.hash_of(genesis, last)
            need(linked and header.index == last.index + 1, "headers are not linked")
        need(judging.point_of(genesis, headers[-1]) == high, "the headers lead elsewhere")
        begins = headers[0].index == low.index + 1 and headers[0].previous != low.hash
        need(begins, "the higher point extends the lower one")
    return both_signed(genesis, lower, higher)


def two_grants(genesis, first, second):
    need(first.body.term == second.body.term, "the grants are of different terms")
    need(first.body != second.body, "the grants are the same")
    return both_signed(genesis, first, second)


def two_results(genesis, first, second):
    one, other = first.body.applied, second.body.applied
    need(one is not None and other is not None, "a vote names no result")
    need(one.index == other.index and one.hash != other.hash, "the results do not contradict each other")
    return both_signed(genesis, first, second)


def false_report(genesis, report, vote):
    need(vote.body.term < report.body.term, "the vote came after the report")
    need(leaves_out(genesis, report.body, vote.body), "the report says nothing about the vote, or admits it")
    return both_signed(genesis, report, vote)


def leaves_out(genesis, report, vote):
    if vote.term < report.pair_term:
        return False
    if vote.term > report.pair_term:
        return vote.accepted is not None or vote.locked is not None
    accepted, reported = vote.accepted, report.pair_point
    if accepted is not None:
        if accepted.index >= reported.index:
            if accepted != reported:
                return True
        elif branch(genesis, report).get(accepted.index, accepted.hash) != accepted.hash:
            return True
    of_pair = [
        one.header.index
        for one in (report.accept, report.commit, report.justification)
        if isinstance(one, layouts.QuorumCertificate) and one.header.term == report.pair_term
    ]
    return vote.locked is not None and vote.locked.index > max(of_pair, default=-1)


def branch(genesis, report):
    """The hashes below the pair's point, by index, as far as the report's headers are linked to it."""
    at, shown = report.pair_point, {}
    for signed in reversed(report.headers):
        if judging.point_of(genesis, signed.header) != at:
            break
        at = layouts.Point(signed.header.index - 1, signed.header.previous)
        shown[at.index] = at.hash
    return shown
