//! The vectors themselves.

use std::sync::Arc;

use consensus::{
    Entry, EntryHeader, EntryKind, Epoch, Evidence, Hash, Index, Message, Mode, Point, Signature,
    Signed, Term,
    encoding::{Canonical, Writer},
    evidence::Offence,
    hashing::tagged_hash,
    merkle,
    message::{
        AppendEntries, AppendOutcome, Fetch, FetchReply, Heartbeat, Proof, RaftAppend,
        RaftAppendReply, RaftRequestVote, RaftVote, Reason, Relay, Vote,
    },
    signed::Body,
};

use super::{Fields, Network, scenes::Scene};
use crate::flat_json::Object;

/// A vector of a whole message: the body, what is signed, and the wire form.
fn message<T: Body>(network: &Network, name: &str, what: &str, signed: Signed<T>) -> Object
where
    Message: From<Signed<T>>,
{
    let mut writer = Writer::default();
    signed.body.encode_body(&mut writer);
    let body = writer.into_bytes();
    let configuration = &network.configuration;
    let mut fields = Fields::new(name, what)
        .text("mode", configuration.mode().as_str())
        .text("layout", "message")
        .text("signer", &signed.signer.0.to_string())
        .text("tag", T::TAG)
        .hex("body", &body);
    if configuration.mode().signs() {
        fields = fields
            .hex("digest", &configuration.digest(T::TAG, &body).0)
            .hex("signature", &signed.signature.0);
    } else {
        assert_eq!(signed.signature, Signature::NONE);
    }
    fields
        .hex("bytes", &Message::from(signed).to_bytes())
        .object()
}

fn canonical<T: Canonical>(name: &str, what: &str, layout: &str, value: &T) -> Object {
    Fields::new(name, what)
        .text("mode", Mode::Byzantine.as_str())
        .text("layout", layout)
        .hex("bytes", &value.to_bytes())
        .object()
}

fn entry(network: &Network, name: &str, what: &str, entry: &Entry) -> Object {
    let configuration = &network.configuration;
    let hash = entry.point().hash;
    let mut writer = Writer::default();
    entry.encode(&mut writer);
    let mut fields = Fields::new(name, what)
        .text("mode", configuration.mode().as_str())
        .text("layout", "entry")
        .text("author", &entry.header().author.0.to_string())
        .hex("header", &entry.header().to_bytes())
        .hex("hash", &hash.0);
    if configuration.mode().signs() {
        let digest = EntryHeader::signing_digest(configuration, entry.header().epoch, &hash);
        fields = fields
            .hex("digest", &digest.0)
            .hex("signature", &entry.signed.signature.0);
    }
    fields.hex("bytes", &writer.into_bytes()).object()
}

pub fn hashes() -> Vec<Object> {
    let mut vectors = Vec::new();
    for mode in Mode::ALL {
        let configuration = Network::new(mode).configuration;
        let name = format!("opening of {mode}");
        let what = "hash of the point that term 0 builds on: tagged hash of network id and mode";
        let opening = Fields::new(&name, what)
            .text("tag", "hawser/v1/opening")
            .hex("hash", &configuration.opening().hash.0);
        let name = format!("digest in {mode}");
        let digest = Fields::new(&name, "digest of a body in epoch 0")
            .text("tag", "hawser/v1/vote")
            .hex("body", b"body")
            .hex("hash", &configuration.digest("hawser/v1/vote", b"body").0);
        vectors.extend([opening.object(), digest.object()]);
    }
    let in_parts = tagged_hash("hawser/v1/reports", &[b"ab", b"c"]);
    vectors.push(
        Fields::new("tagged hash", "of three bytes, in however many parts")
            .text("tag", "hawser/v1/reports")
            .hex("body", b"abc")
            .hex("hash", &in_parts.0)
            .object(),
    );
    for count in 0..=5 {
        let items: Vec<Vec<u8>> = (0..count)
            .map(|position: u8| vec![position; usize::from(position)])
            .collect();
        let name = format!("tree of {count}");
        let what = "item p is p bytes of value p; the path is that of the last item";
        let mut fields = Fields::new(&name, what);
        for (position, item) in items.iter().enumerate() {
            fields = fields.hex(&format!("item {position}"), item);
        }
        let path = items.len().checked_sub(1);
        let path = path.and_then(|last| merkle::path(&items, last));
        for (position, hash) in path.unwrap_or_default().iter().enumerate() {
            fields = fields.hex(&format!("path {position}"), &hash.0);
        }
        vectors.push(fields.hex("root", &merkle::root(&items).0).object());
    }
    vectors
}

pub fn entries() -> Vec<Object> {
    let scene = Scene::new();
    let network = &scene.network;
    let raft = RaftScene::new(Mode::Raft);
    let signed = RaftScene::new(Mode::RaftSigned);
    vec![
        canonical(
            "header",
            "of three transactions",
            "entry header",
            scene.three.header(),
        ),
        canonical(
            "signed header",
            "the same, as reports show it",
            "signed header",
            &scene.three.signed,
        ),
        entry(
            network,
            "first term record",
            "of term 0: neither certificate nor reports",
            &scene.opening_record,
        ),
        entry(
            network,
            "transactions",
            "three payloads of one, two and three bytes",
            &scene.three,
        ),
        canonical(
            "term record",
            "payload of the entry below",
            "term record",
            &scene.term_record(),
        ),
        entry(
            network,
            "second term record",
            "of term 1: election certificate and three reports",
            &scene.second_record(),
        ),
        entry(
            &raft.network,
            "term record of raft",
            "no payloads, no signature",
            &raft.record,
        ),
        entry(
            &signed.network,
            "transactions of raft-signed",
            "two payloads",
            &signed.two,
        ),
    ]
}

pub fn certificates() -> Vec<Object> {
    let scene = Scene::new();
    let quorum = "quorum certificate";
    vec![
        canonical(
            "accepted",
            "three votes accepted index 2 or 3",
            quorum,
            &scene.accepted(),
        ),
        canonical(
            "locked",
            "three votes locked index 2",
            quorum,
            &scene.locked(),
        ),
        canonical(
            "election",
            "three grants of term 1",
            "election certificate",
            &scene.election(),
        ),
        canonical(
            "leave",
            "three suspicions of term 0",
            "leave certificate",
            &scene.leave(),
        ),
    ]
}

pub fn messages() -> Vec<Object> {
    let scene = Scene::new();
    let (epoch, network) = (Epoch::ZERO, &scene.network);
    let mut vectors = Vec::new();
    vectors.push(message(
        network,
        "append-entries",
        "two entries, no certificates",
        network.sign(
            0,
            AppendEntries {
                epoch,
                term: Term(0),
                previous: scene.opening_record.point(),
                entries: vec![Arc::clone(&scene.three), Arc::clone(&scene.one)],
                commit: None,
                election: None,
            },
        ),
    ));
    vectors.push(message(
        network,
        "append-entries of term 1",
        "a term record and both certificates",
        network.sign(
            1,
            AppendEntries {
                epoch,
                term: Term(1),
                previous: scene.one.point(),
                entries: vec![scene.second_record()],
                commit: Some(scene.accepted()),
                election: Some(scene.election()),
            },
        ),
    ));
    vectors.push(message(
        network,
        "heartbeat",
        "without certificates",
        network.sign(
            0,
            Heartbeat {
                epoch,
                term: Term(0),
                head: scene.one.point(),
                commit: None,
                election: None,
            },
        ),
    ));
    vectors.push(message(
        network,
        "heartbeat of term 1",
        "with both certificates",
        network.sign(
            1,
            Heartbeat {
                epoch,
                term: Term(1),
                head: scene.one.point(),
                commit: Some(scene.locked()),
                election: Some(scene.election()),
            },
        ),
    ));
    vectors.push(message(
        network,
        "empty vote",
        "none of the three points",
        scene.vote(2, None, None),
    ));
    vectors.push(message(
        network,
        "vote",
        "all three points",
        scene.result_vote(2, Hash([0xdd; 32])),
    ));
    for (name, reason) in [
        ("silent", Reason::Silent),
        ("starved", Scene::starved()),
        ("misbehaved", Reason::Misbehaved),
        ("crawling", Reason::Crawling),
        ("restarted", Reason::Restarted),
    ] {
        let name = format!("suspect, {name}");
        vectors.push(message(
            network,
            &name,
            "validator 3 suspects leader(0)",
            scene.suspect(3, reason),
        ));
    }
    for (signer, what) in [
        (1, "all headers since the opening, both certificates"),
        (2, "justified by a commit certificate"),
        (3, "no certificates"),
    ] {
        let name = format!("report of validator {signer}");
        vectors.push(message(network, &name, what, scene.report(signer)));
    }
    vectors.push(message(
        network,
        "request-vote",
        "with three reports",
        network.sign(1, scene.request_vote()),
    ));
    vectors.push(message(
        network,
        "vote-granted",
        "for the request-vote above",
        network.sign(2, scene.grant()),
    ));
    let proof = |election, leave| {
        network.sign(
            2,
            Proof {
                epoch,
                election,
                leave,
                commit: Some(scene.accepted()),
            },
        )
    };
    vectors.push(message(
        network,
        "proof of a leader",
        "election and commit certificate",
        proof(Some(scene.election()), None),
    ));
    vectors.push(message(
        network,
        "proof of leaving",
        "leave and commit certificate",
        proof(None, Some(scene.leave())),
    ));
    let from = scene.opening_record.point();
    for (name, target) in [
        ("fetch", None),
        ("fetch of a branch", Some(scene.one.point())),
    ] {
        vectors.push(message(
            network,
            name,
            "after index 1",
            network.sign(
                3,
                Fetch {
                    epoch,
                    from,
                    target,
                },
            ),
        ));
    }
    vectors.push(message(
        network,
        "fetch-reply",
        "two entries and a certificate",
        network.sign(
            1,
            FetchReply {
                epoch,
                from,
                target: Some(scene.one.point()),
                entries: vec![Arc::clone(&scene.three), Arc::clone(&scene.one)],
                commit: Some(scene.accepted()),
            },
        ),
    ));
    vectors.push(message(
        network,
        "relay",
        "two requests that were complained about",
        network.sign(
            3,
            Relay {
                epoch,
                complained: true,
                requests: vec![
                    Arc::from(&b"request"[..]),
                    Arc::from(&b"another request"[..]),
                ],
            },
        ),
    ));
    vectors.push(message(
        network,
        "accuse",
        "validator 2 passes evidence on",
        network.sign(2, equivocation(&scene)),
    ));
    vectors
}

fn equivocation(scene: &Scene) -> Evidence {
    Evidence {
        epoch: Epoch::ZERO,
        offence: Offence::Equivocation {
            author: scene.three.header().author,
            first: scene.three.signed.clone(),
            second: scene.rival.signed.clone(),
        },
    }
}

pub fn evidence() -> Vec<Object> {
    let scene = Scene::new();
    let (three, rival, one) = (scene.three.point(), scene.rival.point(), scene.one.point());
    let accepted = |point| scene.vote(3, Some(point), None);
    let locked = |point| scene.vote(3, Some(point), Some(point));
    let forked = |lower: Signed<Vote>, higher, locked, headers| Offence::ForkedVotes {
        lower,
        higher,
        locked,
        headers,
    };
    let mut other_base = scene.grant();
    other_base.base = three;
    let offences = [
        (
            "forked-votes at one height",
            "validator 3 accepted two entries for index 2",
            forked(accepted(three), accepted(rival), false, Vec::new()),
        ),
        (
            "forked-votes",
            "validator 3 accepted index 2 on one branch and index 3 on another",
            forked(
                accepted(rival),
                accepted(one),
                false,
                vec![scene.one.header().clone()],
            ),
        ),
        (
            "forked-locks",
            "validator 3 locked two entries for index 2",
            forked(locked(three), locked(rival), true, Vec::new()),
        ),
        (
            "two-grants",
            "validator 2 granted two bases in term 1",
            Offence::TwoGrants {
                first: scene.network.sign(2, scene.grant()),
                second: scene.network.sign(2, other_base),
            },
        ),
        (
            "two-results",
            "validator 1 claimed two results for index 2",
            Offence::TwoResults {
                first: scene.result_vote(1, Hash([0xd1; 32])),
                second: scene.result_vote(1, Hash([0xd2; 32])),
            },
        ),
        (
            "false-report",
            "validator 3 accepted index 3 and reported index 2",
            Offence::FalseReport {
                report: Box::new(scene.report(3)),
                vote: accepted(one),
            },
        ),
    ];
    let offences = offences.into_iter().map(|(name, what, offence)| {
        let evidence = Evidence {
            epoch: Epoch::ZERO,
            offence,
        };
        canonical(name, what, "evidence", &evidence)
    });
    let first = canonical(
        "equivocation",
        "validator 0 signed two entries for index 2",
        "evidence",
        &equivocation(&scene),
    );
    [first].into_iter().chain(offences).collect()
}

/// A leader's two first entries in a Raft mode.
struct RaftScene {
    network: Network,
    record: Arc<Entry>,
    two: Arc<Entry>,
}

impl RaftScene {
    fn new(mode: Mode) -> Self {
        let network = Network::new(mode);
        let opening: Point = network.configuration.opening();
        let leader = (5, 2);
        let record = network.entry(EntryKind::TermRecord, leader, opening, &[]);
        let two = network.entry(
            EntryKind::Transactions,
            leader,
            record.point(),
            &[b"pq", b"rst"],
        );
        Self {
            network,
            record,
            two,
        }
    }

    fn append(&self, entries: Vec<Arc<Entry>>) -> RaftAppend {
        RaftAppend {
            epoch: Epoch::ZERO,
            term: Term(5),
            previous: self.network.configuration.opening(),
            entries,
            commit: Index(0),
            round: 7,
        }
    }
}

pub fn raft_messages() -> Vec<Object> {
    let scene = RaftScene::new(Mode::RaftSigned);
    let (epoch, term, network) = (Epoch::ZERO, Term(5), &scene.network);
    let reply = |outcome| {
        network.sign(
            1,
            RaftAppendReply {
                epoch,
                term,
                round: 7,
                outcome,
            },
        )
    };
    let both = vec![Arc::clone(&scene.record), Arc::clone(&scene.two)];
    let mut vectors = vec![
        message(
            network,
            "raft append-entries",
            "a term record and two transactions",
            network.sign(2, scene.append(both)),
        ),
        message(
            network,
            "raft append-reply, matched",
            "everything is held",
            reply(AppendOutcome::Matched(scene.two.point())),
        ),
        message(
            network,
            "raft append-reply, conflict",
            "try from index 1",
            reply(AppendOutcome::Conflict { try_from: Index(1) }),
        ),
    ];
    for pre_vote in [true, false] {
        let what = if pre_vote { "pre-vote" } else { "vote" };
        let request = RaftRequestVote {
            epoch,
            term: Term(6),
            pre_vote,
            last_index: Index(2),
            last_term: term,
        };
        let vote = RaftVote {
            epoch,
            term: Term(6),
            pre_vote,
            granted: !pre_vote,
        };
        vectors.push(message(
            network,
            &format!("raft request-{what}"),
            "validator 3 stands for term 6",
            network.sign(3, request),
        ));
        vectors.push(message(
            network,
            &format!("raft {what}"),
            "validator 1 grants the vote, not the pre-vote",
            network.sign(1, vote),
        ));
    }
    let unsigned = RaftScene::new(Mode::Raft);
    let both = vec![Arc::clone(&unsigned.record), Arc::clone(&unsigned.two)];
    vectors.push(message(
        &unsigned.network,
        "raft append-entries, unsigned",
        "the signatures are zeros",
        unsigned.network.sign(2, unsigned.append(both)),
    ));
    vectors.push(message(
        &unsigned.network,
        "raft heartbeat, unsigned",
        "no entries",
        unsigned.network.sign(2, unsigned.append(Vec::new())),
    ));
    vectors
}
