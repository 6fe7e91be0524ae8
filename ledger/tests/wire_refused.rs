//! Receipts and evidence that must be refused, each sound but for one thing, as test vectors.
//!
//! `cargo test -p ledger --test wire_refused -- --ignored regenerate` writes the vectors anew.

mod common;
mod support;

use std::{fs, path::PathBuf};

use common::{
    Network, validator,
    vectors::{network, receipt},
};
use consensus::{
    EntryHeader, Epoch, Evidence, Hash, Index, NodeId, Point, Signed, SignedHeader, Signer, Term,
    certificate::{Counted, LeaveCertificate, QuorumCertificate},
    encoding::Canonical,
    evidence::Offence,
    merkle,
    message::{Applied, Justification, PairReport, Report, Vote},
};
use keys::{Mode, to_hex};
use ledger::{Receipt, TransactionResult, next_digest};
use serde_json::{Value, json};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/wire/refused.json")
}

fn text_of(value: &Value) -> String {
    format!("{value:#}\n")
}

fn edited(receipt: &Receipt, edit: impl FnOnce(&mut Value)) -> String {
    let mut json: Value = serde_json::from_str(&receipt.to_json()).unwrap();
    edit(&mut json);
    text_of(&json)
}

/// A receipt without result of the first payment, whose entry has this header and is certified by
/// votes for it.
fn of_header(network: &Network, change: impl FnOnce(&mut EntryHeader)) -> String {
    let configuration = &network.configuration;
    let mut header = network.entries[0].header().clone();
    change(&mut header);
    let hash = header.hash(configuration);
    let digest = EntryHeader::signing_digest(configuration, Epoch::ZERO, &hash);
    let signature = validator(header.author).signing_key().sign(&digest);
    let point = header.point(configuration);
    let applied = Applied {
        index: Index::ZERO,
        digest: Hash::default(),
    };
    let mut parts = network.parts(1, 0);
    parts.result = None;
    parts.commit = Some(QuorumCertificate {
        counted: Counted::Accepted,
        header: header.clone(),
        following: Vec::new(),
        votes: (0..3)
            .map(|signer| network.vote(signer, header.term, point, applied))
            .collect(),
    });
    parts.header = SignedHeader { header, signature };
    Receipt::build(configuration, &parts).unwrap().to_json()
}

/// Two validators signed for results of which the payment's own is that of another payment.
fn of_other_result(network: &Network) -> String {
    let executed = network.ledger.executed(1).unwrap();
    let mut results: Vec<Vec<u8>> = executed.result_bytes().map(<[u8]>::to_vec).collect();
    let mut other = TransactionResult::from_bytes(&results[0]).unwrap();
    other.transaction = Hash([9; 32]);
    results[0] = other.to_bytes();
    let root = merkle::root(&results);
    let applied = Applied {
        index: Index(1),
        digest: next_digest(&executed.digest_before, Index(1), &root),
    };
    let point = network.entries[0].point();
    let mut parts = network.parts(1, 0);
    parts.commit = Some(network.certificate(1, 3));
    let result = parts.result.as_mut().unwrap();
    result.bytes.clone_from(&results[0]);
    result.path = merkle::path(&results, 0).unwrap();
    result.roots = vec![root];
    result.votes = (0..2)
        .map(|signer| network.vote(signer, Term(0), point, applied))
        .collect();
    let receipt = Receipt::build(&network.configuration, &parts);
    receipt.unwrap().to_json()
}

/// Receipts by name, with what is wrong.
fn receipts() -> Vec<(&'static str, &'static str, Network, String)> {
    let made = || network(Mode::Byzantine, 4);
    let whole = |network: &Network| receipt(network, 0, true);
    let certificate_of = |network: &Network, change: fn(&mut QuorumCertificate)| {
        let mut certificate = network.certificate(3, 3);
        change(&mut certificate);
        edited(&whole(network), |json| {
            json["commit"]["certificate"] = to_hex(&certificate.to_bytes()).into();
        })
    };
    let push = |network: &Network, path: &'static str, hex: String| {
        edited(&whole(network), |json| {
            let list = json.pointer_mut(path).unwrap().as_array_mut().unwrap();
            list.push(hex.into());
        })
    };
    let of_four = |make: &dyn Fn(&Network) -> String| {
        let network = made();
        let text = make(&network);
        (network, text)
    };
    let seven = network(Mode::Byzantine, 7);
    let mut parts = seven.parts(3, 0);
    parts.result = None;
    parts.commit = Some(seven.certificate(3, 5));
    let quorum_of_seven = Receipt::build(&seven.configuration, &parts).unwrap();
    let again = network(Mode::Byzantine, 7);
    let mut certificate = seven.certificate(3, 5);
    certificate.votes.push(certificate.votes[4].clone());
    parts.commit = Some(certificate);
    let five_of_seven = Receipt::build(&seven.configuration, &parts).unwrap();
    let signed = network(Mode::RaftSigned, 4);
    let longer = edited(&receipt(&signed, 0, true), |json| {
        let following = json.pointer_mut("/commit/following").unwrap();
        let mut header = signed.entries[2].header().clone();
        header.previous = signed.entries[2].point().hash;
        header.index = Index(4);
        let hash = header.hash(&signed.configuration);
        let digest = EntryHeader::signing_digest(&signed.configuration, Epoch::ZERO, &hash);
        let signature = validator(header.author).signing_key().sign(&digest);
        let header = SignedHeader { header, signature };
        let list = following.as_array_mut().unwrap();
        list.push(to_hex(&header.to_bytes()).into());
    });
    let mut vectors = vec![
        (
            "too few votes",
            "five of seven are a quorum, and six commit",
            seven,
            quorum_of_seven.to_json(),
        ),
        (
            "signed twice",
            "six votes of five validators",
            again,
            five_of_seven.to_json(),
        ),
        (
            "headers that lead nowhere",
            "nobody acknowledged the last one",
            signed,
            longer,
        ),
    ];
    let mut add = |name, what, (network, text)| vectors.push((name, what, network, text));
    add(
        "not the leader's",
        "validator 1 signed an entry of term 0",
        of_four(&|network| of_header(network, |header| header.author = NodeId(1))),
    );
    add(
        "other count",
        "the entry's author signed a count that its root is not of",
        of_four(&|network| of_header(network, |header| header.count = 5)),
    );
    add(
        "a term record",
        "payments are in entries of transactions",
        of_four(&|network| {
            of_header(network, |header| {
                header.kind = consensus::EntryKind::TermRecord;
            })
        }),
    );
    add(
        "vote of another term",
        "its point is right, and its term is not the header's",
        of_four(&|network| {
            let point = network.entries[2].point();
            let mut certificate = network.certificate(3, 3);
            certificate.votes[2] = network.vote(2, Term(1), point, network.applied[2]);
            edited(&whole(network), |json| {
                json["commit"]["certificate"] = to_hex(&certificate.to_bytes()).into();
            })
        }),
    );
    add(
        "locks that nobody has",
        "the certificate counts locked points, and its votes have none",
        of_four(&|network| {
            certificate_of(network, |certificate| certificate.counted = Counted::Locked)
        }),
    );
    add(
        "roots that lead nowhere",
        "no vote names the last one",
        of_four(&|network| push(network, "/result/proof/roots_after", "ab".repeat(32))),
    );
    add(
        "result of another payment",
        "signed by f + 1",
        of_four(&of_other_result),
    );
    add(
        "one voter for the result",
        "f + 1 are needed",
        of_four(&|network| {
            edited(&whole(network), |json| {
                let votes = json.pointer_mut("/result/proof/votes").unwrap();
                // The other one names a later root.
                votes.as_array_mut().unwrap().remove(0);
            })
        }),
    );
    add(
        "a field twice",
        "two programs would read two files",
        of_four(&|network| {
            let json = whole(network).to_json();
            json.replacen("{", "{\n  \"position\": 0,", 1)
        }),
    );
    add(
        "an array for an object",
        "the proof's fields in order",
        of_four(&|network| {
            edited(&whole(network), |json| {
                let proof = &json["result"]["proof"];
                let fields = ["root", "path", "digest_before", "roots_after", "votes"];
                json["result"]["proof"] = fields.iter().map(|name| proof[*name].clone()).collect();
            })
        }),
    );
    vectors
}

/// A report of validator 3 for term 1, which says that it accepted the second entry, as the header
/// below it shows.
fn report(network: &Network) -> Signed<Report> {
    let report = Report {
        epoch: Epoch::ZERO,
        term: Term(1),
        pair: PairReport {
            term: Term(0),
            point: network.entries[1].point(),
            headers: vec![network.entries[1].signed.clone()],
            justification: Justification::Opening,
        },
        accept: None,
        commit: Some(network.certificate(1, 3)),
        leave: LeaveCertificate {
            epoch: Epoch::ZERO,
            term: Term(0),
            leaves: Vec::new(),
        },
    };
    let key = validator(NodeId(3));
    Signed::new(&network.configuration, NodeId(3), key.signing_key(), report)
}

/// What validator 3 is accused of having voted for, whether that convicts it, and why.
fn votes(network: &Network) -> Vec<(&'static str, &'static str, bool, Vote)> {
    let vote = |accepted: Option<Point>, locked: Option<Point>| Vote {
        epoch: Epoch::ZERO,
        term: Term(0),
        accepted,
        locked,
        applied: None,
    };
    let at = |entry: usize| Some(network.entries[entry].point());
    let other = |index: u64| {
        Some(Point {
            index: Index(index),
            hash: Hash([8; 32]),
        })
    };
    vec![
        (
            "vote for the pair",
            "the report admits it",
            false,
            vote(at(1), None),
        ),
        (
            "vote below",
            "the report's header shows it",
            false,
            vote(at(0), None),
        ),
        (
            "vote beyond",
            "the report leaves it out",
            true,
            vote(at(2), None),
        ),
        (
            "vote beside",
            "another entry at the pair's height",
            true,
            vote(other(2), None),
        ),
        (
            "vote beside, below",
            "the report's header shows another",
            true,
            vote(other(1), None),
        ),
        (
            "covered lock",
            "a certificate of the pair's term covers it",
            false,
            vote(at(1), at(0)),
        ),
        (
            "uncovered lock",
            "no certificate does",
            true,
            vote(at(1), at(1)),
        ),
        ("empty vote", "it says nothing", false, vote(None, None)),
        (
            "vote of the report's term",
            "it came after",
            false,
            Vote {
                term: Term(1),
                ..vote(at(2), None)
            },
        ),
    ]
}

fn evidence() -> Vec<Value> {
    let network = network(Mode::Byzantine, 4);
    let report = report(&network);
    let key = validator(NodeId(3));
    let made = |(name, what, convicts, vote)| {
        let vote = Signed::new(&network.configuration, NodeId(3), key.signing_key(), vote);
        let evidence = Evidence {
            epoch: Epoch::ZERO,
            offence: Offence::FalseReport {
                report: Box::new(report.clone()),
                vote,
            },
        };
        let file = json!({
            "format": 1,
            "network": to_hex(&network.genesis.id()),
            "evidence": to_hex(&evidence.to_bytes()),
        });
        json!({
            "name": name,
            "what": what,
            "layout": if convicts { "evidence file" } else { "refused evidence file" },
            "genesis": network.genesis.to_json().unwrap(),
            "text": text_of(&file),
            "id": node::evidence_id(&evidence).to_string(),
            "accused": "n3",
        })
    };
    votes(&network).into_iter().map(made).collect()
}

fn made() -> Value {
    let refused = receipts().into_iter().map(|(name, what, network, text)| {
        json!({
            "name": name,
            "what": what,
            "layout": "refused receipt file",
            "genesis": network.genesis.to_json().unwrap(),
            "text": text,
        })
    });
    refused.chain(evidence()).collect()
}

fn stored() -> Value {
    serde_json::from_slice(&fs::read(path()).unwrap()).unwrap()
}

#[test]
#[ignore = "writes the vectors anew"]
fn regenerate() {
    let mut text = serde_json::to_string_pretty(&made()).unwrap();
    text.push('\n');
    fs::write(path(), text).unwrap();
}

#[test]
fn the_code_makes_every_vector_byte_for_byte() {
    assert_eq!(stored(), made());
}

#[test]
fn the_command_refuses_what_the_vectors_refuse() {
    let folder = tempfile::tempdir().unwrap();
    for vector in stored().as_array().unwrap() {
        let write = |name: &str, text: &Value| {
            fs::write(folder.path().join(name), text.as_str().unwrap()).unwrap();
        };
        write("genesis.json", &vector["genesis"]);
        write("file.json", &vector["text"]);
        let (line, code) = match vector["layout"].as_str().unwrap() {
            "refused receipt file" => ("receipt verify ~/file.json --json", 5),
            "refused evidence file" => ("evidence verify ~/file.json --json", 5),
            _ => ("evidence verify ~/file.json --json", 0),
        };
        let run = support::run(folder.path(), line);
        assert_eq!(run.code, code, "{}: {run:?}", vector["name"]);
        assert_eq!(run.json()["valid"], code == 0, "{}", vector["name"]);
    }
}
