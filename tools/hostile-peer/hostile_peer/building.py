"""A receipt's file from what a node says: docs/wire.md, section 11, "from parts to the file"."""

from . import judging, layouts
from .canonical import tagged, u64
from .reading import whole
from .receipts import HEADERS, ROOTS


class Incomplete(Exception):
    """The node lacks something that it, or another one, may have a little later."""


def build(genesis, parts):
    """The file as JSON, not verified yet: the parts are a stranger's."""
    entry = whole(layouts.signed_header, parts["header"])
    commit = {"byzantine": certified, "raft-signed": acknowledged, "raft": inclusion}[genesis.mode]
    file = {
        "format": 1,
        "network": genesis.network.hex(),
        "transaction": parts["payload"].hex(),
        "position": parts["position"],
        "path": [one.hex() for one in parts["path"]],
        "entry": parts["header"].hex(),
        "commit": commit(genesis, parts, entry),
    }
    result = {"bytes": parts["result"].hex()}
    if genesis.mode == "byzantine":
        result["proof"] = result_proof(genesis, parts, entry.header.index)
    if result.get("proof", ...) is not None:
        file["result"] = result
    return file


def certified(genesis, parts, entry):
    if parts["commit"] is None:
        raise Incomplete("there is no commit certificate yet")
    certificate = whole(layouts.quorum_certificate, parts["commit"])
    between = max(certificate.header.index - entry.header.index - 1, 0)
    following = parts["following"][:between]
    if certificate.header.index < entry.header.index or len(following) < between or between > HEADERS:
        raise Incomplete("the headers do not lead to the commit certificate")
    headers = [whole(layouts.signed_header, one).header.raw.hex() for one in following]
    return {"kind": "certificate", "between": headers, "certificate": parts["commit"].hex()}


def acknowledged(genesis, parts, entry):
    following = parts["following"][:HEADERS]
    chain = [entry.header, *(whole(layouts.signed_header, one).header for one in following)]
    places = {judging.point_of(genesis, header): at for at, header in enumerate(chain)}
    of_terms = {entry.header.term: {}}
    for raw in parts["acknowledgements"]:
        reply = whole(layouts.signed_append_reply, raw)
        at = places.get(reply.body.matched)
        if at is not None and chain[at].term == reply.body.term:
            of_terms.setdefault(reply.body.term, {})[reply.signer] = at, raw
    for replies in of_terms.values():
        matched = [at for at, _ in replies.values()]
        author = chain[min(matched, default=0)].author
        if len({author, *replies}) >= genesis.sizes.quorum:
            return {
                "kind": "acknowledgements",
                "following": [one.hex() for one in following[: max(matched, default=0)]],
                "replies": [raw.hex() for _, raw in replies.values()],
            }
    return inclusion(genesis, parts, entry)


def inclusion(_genesis, _parts, _entry):
    return {"kind": "inclusion-only"}


def result_proof(genesis, parts, index):
    """The nearest f + 1 votes for the result; none if there are fewer."""
    roots, digest, digests = parts["results roots"][: ROOTS + 1], parts["digest before"], []
    for at, root in enumerate(roots, index):
        digest = tagged("hawser/v1/results", digest + u64(at) + root)
        digests.append((at, digest))
    confirming = {}
    for raw in parts["result votes"]:
        vote = whole(layouts.signed_vote, raw)
        if vote.body.epoch == 0 and vote.body.applied in digests:
            confirming[vote.signer] = vote.body.applied.index - index, raw
    nearest = sorted(confirming.values())[: genesis.sizes.matching]
    if len(nearest) < genesis.sizes.matching:
        return None
    return {
        "root": roots[0].hex(),
        "path": [one.hex() for one in parts["result path"]],
        "digest_before": parts["digest before"].hex(),
        "roots_after": [one.hex() for one in roots[1 : nearest[-1][0] + 1]],
        "votes": [raw.hex() for _, raw in nearest],
    }
