"""Receipts: docs/wire.md, section 11."""

from . import judging, layouts, merkle, signatures, transactions
from .canonical import tagged, u64
from .judging import need
from .reading import Malformed, fields, hexadecimal, items, read_json, text, whole, whole_number

FILE_BYTES = 4 << 20
HEADERS, ROOTS, PATH = 1024, 8192, 10


def verify(genesis, written):
    """What the receipt shows, or Malformed or Refused."""
    json_ = read_file(written)
    need(hexadecimal(json_["network"], 32) == genesis.network, "it is of another network")
    payload = hexadecimal(json_["transaction"])
    id_ = check_transaction(genesis, payload)
    entry = check_entry(genesis, whole(layouts.signed_header, hexadecimal(json_["entry"])))
    position = whole_number(json_["position"], 2**32 - 1)
    path = hashes(json_["path"], PATH)
    included = merkle.includes(entry.header.body_root, entry.header.count, position, payload, path)
    need(included, "the transaction is not in the entry")
    commit = check_commit(genesis, json_["commit"], entry)
    shown, certified = "unproven", False
    if "result" in json_:
        outcome, certified = check_result(genesis, json_["result"], id_, position, entry.header)
        shown = ["applied", "rejected", "repeat"][outcome]
    if shown == "applied" and not (certified and commit == "certificate"):
        shown = "unproven"
    return {
        "transaction": id_.hex(),
        "index": entry.header.index,
        "position": position,
        "commit": commit,
        "shows": shown,
    }


def read_file(written):
    if len(written) > FILE_BYTES:
        raise Malformed("no receipt is so large")
    needed = ("format", "network", "transaction", "position", "path", "entry", "commit")
    json_ = fields(read_json(written), needed, ("result",))
    if json_.get("result", ...) is None:
        del json_["result"]
    if whole_number(json_["format"], 2**32 - 1) != 1:
        raise Malformed("it has another format than 1")
    return json_


def hashes(value, limit):
    return [hexadecimal(one, 32) for one in items(value, limit)]


def listed(read, value, limit):
    return [whole(read, hexadecimal(one)) for one in items(value, limit)]


def check_transaction(genesis, payload):
    if len(payload) > 65_536:
        raise Malformed("no payload is so large")
    read, body, signature = whole(transactions.signed_transaction, payload)
    need(read["network"] == genesis.network, "the transaction is of another network")
    digest = tagged("hawser/v1/transaction", body)
    need(signatures.holds(read["key"], digest, signature), "the transaction's signature does not hold")
    return transactions.transaction_id(body)


def check_entry(genesis, entry):
    header = entry.header
    need(header.kind == 0 and header.index > 0 and header.count <= 1024, "no entry of transactions")
    need(judging.author_leads(genesis, header), "the entry is not its leader's")
    need(judging.header_signed(genesis, entry), "the entry's signature does not hold")
    return entry


def check_commit(genesis, value, entry):
    if not isinstance(value, dict) or "kind" not in value:
        raise Malformed("an object with a kind is needed")
    kind = text(value["kind"])
    if kind == "certificate":
        fields(value, ("kind", "between", "certificate"))
        need(genesis.mode == "byzantine", "the proof is of another mode")
        certified(genesis, value, entry.header)
    elif kind == "acknowledgements":
        fields(value, ("kind", "following", "replies"))
        need(genesis.mode == "raft-signed", "the proof is of another mode")
        acknowledged(genesis, value, entry)
    elif kind == "inclusion-only":
        fields(value, ("kind",))
        need(genesis.mode != "byzantine", "there is no commit certificate")
    else:
        raise Malformed(f"commit of kind {kind!r}")
    return kind


def certified(genesis, value, entry):
    between = listed(layouts.header, value["between"], HEADERS)
    certificate = whole(layouts.quorum_certificate, hexadecimal(value["certificate"]))
    if between or certificate.header != entry:
        judging.check_linked(genesis, [entry, *between, certificate.header])
    judging.check_quorum(genesis, certificate)
    need(judging.commits(genesis, certificate), "so few votes do not commit")


def acknowledged(genesis, value, entry):
    following = listed(layouts.signed_header, value["following"], HEADERS)
    replies = listed(layouts.signed_append_reply, value["replies"], genesis.sizes.validators)
    chain = [entry, *following]
    judging.check_linked(genesis, [signed.header for signed in chain])
    need(all(judging.header_signed(genesis, one) for one in following), "a header is not its author's")
    places = {judging.point_of(genesis, signed.header): at for at, signed in enumerate(chain)}
    term = replies[0].body.term if replies else entry.header.term
    matched = []
    for reply in replies:
        at = places.get(reply.body.matched)
        right = at is not None and reply.body.term == term == chain[at].header.term
        need(right, "a reply acknowledges something else")
        need(judging.holds(genesis, reply), "a reply's signature does not hold")
        matched.append(at)
    signers = judging.distinct(genesis, [reply.signer for reply in replies])
    author = chain[min(matched, default=0)].header.author
    need(len(signers | {author}) >= genesis.sizes.quorum, "the replies are no majority")
    need(max(matched, default=0) == len(following), "headers lead nowhere")


def check_result(genesis, value, id_, position, header):
    fields(value, ("bytes",), ("proof",))
    data = hexadecimal(value["bytes"])
    result = whole(transactions.result, data)
    need(result["transaction"] == id_, "the result is of another transaction")
    proof = value.get("proof")
    need((proof is not None) == (genesis.mode == "byzantine"), "the result's proof is of another mode")
    if proof is not None:
        check_proof(genesis, proof, data, position, header)
    return result["outcome"], proof is not None


def check_proof(genesis, proof, data, position, header):
    fields(proof, ("root", "path", "digest_before", "roots_after", "votes"))
    root, path = hexadecimal(proof["root"], 32), hashes(proof["path"], PATH)
    included = merkle.includes(root, header.count, position, data, path)
    need(included, "the result is not under its root")
    digest, digests = hexadecimal(proof["digest_before"], 32), {}
    roots = [root, *hashes(proof["roots_after"], ROOTS)]
    for index, one in enumerate(roots, header.index):
        digest = tagged("hawser/v1/results", digest + u64(index) + one)
        digests[index] = digest
    votes = listed(layouts.signed_vote, proof["votes"], genesis.sizes.validators)
    for vote in votes:
        applied = vote.body.applied
        need(applied is not None and digests.get(applied.index) == applied.hash, "a vote is for another result")
        need(judging.holds(genesis, vote), "a vote's signature does not hold")
    signers = judging.distinct(genesis, [vote.signer for vote in votes])
    need(len(signers) >= genesis.sizes.matching, "too few signed for the result")
    furthest = max(vote.body.applied.index for vote in votes)
    need(furthest == header.index + len(roots) - 1, "results roots lead nowhere")
