//! Receipts: what they prove, and that nothing else passes for it.

mod common;

use common::{Network, genesis_of};
use consensus::{
    Hash, Index, NodeId, Signature, Term, message::Applied, verification::InvalidEntry,
};
use keys::Mode;
use ledger::{
    Assurance, Outcome, Receipt, ReceiptError, ReceiptParts, VerifiedReceipt,
    receipt::{Check, IncompleteReceipt},
};
use serde_json::{Value, json};

/// Three entries of three payments each; a certificate of the third; votes that have applied the
/// second and the third.
fn network_of(mode: Mode, validators: usize) -> Network {
    let mut network = Network::new(mode, validators);
    for _ in 0..3 {
        let payloads = vec![
            network.pay("alice", "bob", 10),
            network.pay("alice", "bob", 5000),
            network.pay("carol", "bob", 1),
        ];
        network.apply(payloads);
    }
    network
}

fn byzantine() -> Network {
    network_of(Mode::Byzantine, 4)
}

fn build_at(
    network: &Network,
    index: u64,
    position: u32,
    certified: u64,
) -> Result<Receipt, IncompleteReceipt> {
    let point = network.entries[2].point();
    let mut parts = network.parts(index, position);
    parts.commit = Some(network.certificate(certified, 3));
    parts.result.as_mut().unwrap().votes = vec![
        network.vote(0, Term(0), point, network.applied[2]),
        network.vote(3, Term(1), point, network.applied[1]),
    ];
    Receipt::build(&network.configuration, &parts)
}

fn read_back(receipt: &Receipt) -> Receipt {
    let json = receipt.to_json();
    let read = Receipt::from_json(json.as_bytes()).unwrap();
    assert_eq!(&read, receipt);
    read
}

fn verify(network: &Network, receipt: &Receipt) -> VerifiedReceipt {
    read_back(receipt).verify(&network.genesis).unwrap()
}

fn edited(receipt: &Receipt, edit: impl FnOnce(&mut Value)) -> Receipt {
    let mut json: Value = serde_json::from_str(&receipt.to_json()).unwrap();
    edit(&mut json);
    Receipt::from_json(json.to_string().as_bytes()).unwrap()
}

fn failure(network: &Network, receipt: &Receipt) -> (Check, ReceiptError) {
    let failure = receipt.verify(&network.genesis).unwrap_err();
    (failure.failed, failure.error)
}

#[test]
fn a_receipt_proves_place_commit_and_result() {
    let network = byzantine();
    for (index, certified) in [(1, 1), (1, 2), (1, 3), (2, 3)] {
        for position in 0..3 {
            let receipt = build_at(&network, index, position, certified).unwrap();
            let verified = verify(&network, &receipt);
            assert_eq!(verified.assurance, Assurance::Certified);
            assert_eq!(
                (verified.place.index, verified.place.position),
                (index, position)
            );
            let result = verified.result.unwrap();
            assert!(result.certified);
            assert_eq!(result.result.transaction, verified.id);
            let applied = result.result.outcome == Outcome::Applied;
            assert_eq!(applied, position != 1);
            let checks: Vec<Check> = verified.steps.iter().map(|step| step.check).collect();
            use Check::{Commit, Entry, Inclusion, Network, Result, Transaction};
            assert_eq!(
                checks,
                [Network, Transaction, Entry, Inclusion, Commit, Result]
            );
        }
    }
}

#[test]
fn a_receipt_spans_terms() {
    let mut network = byzantine();
    let payload = network.pay("alice", "bob", 1);
    network.apply_in(Term(2), vec![payload]);
    let receipt = build_at(&network, 2, 0, 4).unwrap();
    assert_eq!(verify(&network, &receipt).assurance, Assurance::Certified);
}

#[test]
fn a_larger_network_needs_its_fast_quorum() {
    let network = network_of(Mode::Byzantine, 7);
    let votes: Vec<_> = (0..3)
        .map(|signer| {
            let point = network.entries[2].point();
            network.vote(signer, Term(0), point, network.applied[2])
        })
        .collect();
    let build = |signers: u16| {
        let mut parts = network.parts(2, 2);
        parts.commit = Some(network.certificate(3, signers));
        parts.result.as_mut().unwrap().votes = votes.clone();
        Receipt::build(&network.configuration, &parts).unwrap()
    };
    assert_eq!(verify(&network, &build(6)).assurance, Assurance::Certified);
    assert_eq!(
        failure(&network, &build(5)),
        (Check::Commit, ReceiptError::NotCommitting(5))
    );
    let (check, error) = failure(&network, &build(4));
    assert_eq!(check, Check::Commit);
    assert!(matches!(error, ReceiptError::Certificate(_)));
}

#[test]
fn another_networks_genesis_does_not_verify_it() {
    let network = byzantine();
    let receipt = build_at(&network, 1, 0, 1).unwrap();
    let other = genesis_of(Mode::Byzantine, 5);
    let failed = receipt.verify(&other).unwrap_err();
    assert_eq!(failed.failed, Check::Network);
    assert!(failed.passed.is_empty());
    // Nor if the file names the other network.
    let renamed = edited(&receipt, |json| {
        json["network"] = Hash(other.id()).to_string().into();
    });
    let failed = renamed.verify(&other).unwrap_err();
    assert_eq!(failed.failed, Check::Transaction);
}

/// Every string of hexadecimal digits in the JSON, by its path.
fn hexadecimals(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) if !path.ends_with("/kind") => found.push(path.to_owned()),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                hexadecimals(item, &format!("{path}/{index}"), found);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                hexadecimals(field, &format!("{path}/{name}"), found);
            }
        }
        _ => {}
    }
}

/// Flips a bit in every byte of every binary part, and gives the verdicts.
fn flip_every_byte(network: &Network, receipt: &Receipt, mut judge: impl FnMut(&str, bool)) {
    let json: Value = serde_json::from_str(&receipt.to_json()).unwrap();
    let mut paths = Vec::new();
    hexadecimals(&json, "", &mut paths);
    let mut flips = 0;
    for path in paths {
        let text = json.pointer(&path).unwrap().as_str().unwrap().to_owned();
        for byte in 0..text.len() / 2 {
            let mut flipped = text.clone();
            let old = u8::from_str_radix(&text[2 * byte..2 * byte + 2], 16).unwrap();
            let new = format!("{:02x}", old ^ 1 << (byte % 8));
            flipped.replace_range(2 * byte..2 * byte + 2, &new);
            let mut json = json.clone();
            *json.pointer_mut(&path).unwrap() = flipped.into();
            let read = Receipt::from_json(json.to_string().as_bytes()).unwrap();
            judge(&path, read.verify(&network.genesis).is_ok());
            flips += 1;
        }
    }
    assert!(flips > 500, "only {flips} bytes were flipped");
}

#[test]
fn no_byte_of_a_certified_receipt_can_change() {
    let network = byzantine();
    // With headers between, roots after, and votes of different points.
    let receipt = build_at(&network, 1, 1, 3).unwrap();
    flip_every_byte(&network, &receipt, |path, accepted| {
        assert!(!accepted, "{path}");
    });
}

#[test]
fn no_byte_of_an_acknowledged_receipt_can_change_but_the_unproven_result() {
    let network = network_of(Mode::RaftSigned, 5);
    let receipt = acknowledged(&network, &[(1, 3), (2, 3)]);
    flip_every_byte(&network, &receipt, |path, accepted| {
        // Its first 32 bytes are the transaction's id, the rest is the node's word.
        assert!(!accepted || path == "/result/bytes", "{path}");
    });
}

#[test]
fn parts_cannot_be_left_out_or_exchanged() {
    let network = byzantine();
    let receipt = build_at(&network, 1, 1, 3).unwrap();
    let other = serde_json::to_value(build_at(&network, 1, 0, 3).unwrap()).unwrap();

    let moved = edited(&receipt, |json| json["position"] = json!(0));
    assert_eq!(
        failure(&network, &moved),
        (Check::Inclusion, ReceiptError::NotIncluded(0))
    );
    let huge = edited(&receipt, |json| json["position"] = json!(u32::MAX));
    assert_eq!(failure(&network, &huge).0, Check::Inclusion);
    for (field, check) in [
        ("transaction", Check::Inclusion),
        ("path", Check::Inclusion),
        ("result", Check::Result),
    ] {
        let exchanged = edited(&receipt, |json| json[field] = other[field].clone());
        assert_eq!(failure(&network, &exchanged).0, check, "{field}");
    }
    let unproven = edited(&receipt, |json| {
        json["result"].as_object_mut().unwrap().remove("proof");
    });
    assert_eq!(
        failure(&network, &unproven),
        (Check::Result, ReceiptError::ResultProof)
    );
    let bare = edited(&receipt, |json| {
        json["commit"] = json!({"kind": "inclusion-only"});
    });
    assert_eq!(
        failure(&network, &bare),
        (Check::Commit, ReceiptError::NoCommitCertificate)
    );
    let gap = edited(&receipt, |json| json["commit"]["between"] = json!([]));
    assert_eq!(
        failure(&network, &gap),
        (Check::Commit, ReceiptError::Unlinked)
    );
    let unrooted = edited(&receipt, |json| {
        json["result"]["proof"]["roots_after"] = json!([]);
    });
    assert_eq!(
        failure(&network, &unrooted),
        (Check::Result, ReceiptError::ResultNotConfirmed)
    );
    let votes = |edit: fn(&mut Vec<Value>)| {
        edited(&receipt, |json| {
            edit(json["result"]["proof"]["votes"].as_array_mut().unwrap());
        })
    };
    let one = votes(|votes| votes.truncate(1));
    assert_eq!(
        failure(&network, &one),
        (
            Check::Result,
            ReceiptError::TooFew {
                found: 1,
                needed: 2
            }
        )
    );
    let twice = votes(|votes| votes[1] = votes[0].clone());
    assert_eq!(
        failure(&network, &twice),
        (Check::Result, ReceiptError::Signers)
    );
    // Nothing stands in a receipt that proves nothing.
    let padded = edited(&receipt, |json| {
        let roots = json["result"]["proof"]["roots_after"]
            .as_array_mut()
            .unwrap();
        roots.push("ab".repeat(32).into());
    });
    assert_eq!(
        failure(&network, &padded),
        (Check::Result, ReceiptError::Unused("results roots"))
    );
    // The result may be left out as a whole: then the receipt says nothing about it.
    let committed = edited(&receipt, |json| {
        json.as_object_mut().unwrap().remove("result");
    });
    assert_eq!(verify(&network, &committed).result, None);
}

#[test]
fn a_certificate_of_an_earlier_entry_does_not_commit_a_later_one() {
    let network = byzantine();
    assert_eq!(
        build_at(&network, 2, 0, 1),
        Err(IncompleteReceipt::NoCertificate)
    );
    let receipt = build_at(&network, 2, 0, 2).unwrap();
    let earlier = serde_json::to_value(build_at(&network, 1, 0, 1).unwrap()).unwrap();
    let cheated = edited(&receipt, |json| json["commit"] = earlier["commit"].clone());
    assert_eq!(
        failure(&network, &cheated),
        (Check::Commit, ReceiptError::Unlinked)
    );
}

#[test]
fn a_result_that_too_few_confirm_makes_no_receipt_yet() {
    let network = byzantine();
    let point = network.entries[2].point();
    let wrong = Applied {
        index: Index(3),
        digest: Hash([9; 32]),
    };
    let mut parts = network.parts(2, 0);
    parts.commit = Some(network.certificate(3, 3));
    parts.result.as_mut().unwrap().votes = vec![
        network.vote(0, Term(0), point, network.applied[2]),
        network.vote(1, Term(0), point, wrong),
        network.vote(2, Term(0), point, network.applied[0]),
    ];
    let build = |parts: &ReceiptParts| Receipt::build(&network.configuration, parts);
    let missing = IncompleteReceipt::ResultNotConfirmed {
        found: 1,
        needed: 2,
    };
    assert_eq!(build(&parts), Err(missing));
    parts.result = None;
    let receipt = build(&parts).unwrap();
    assert_eq!(verify(&network, &receipt).result, None);
    parts.following.clear();
    // The certificate follows directly, so no header is needed between.
    assert_eq!(build(&parts), Ok(receipt));
    let mut parts = network.parts(1, 0);
    parts.commit = Some(network.certificate(3, 3));
    parts.following.clear();
    assert_eq!(build(&parts), Err(IncompleteReceipt::MissingHeaders));
    parts.commit = None;
    assert_eq!(build(&parts), Err(IncompleteReceipt::NoCertificate));
}

/// What a node sends is what a receipt is made of.
#[test]
fn a_receipt_is_made_of_a_nodes_answer() {
    use consensus::encoding::Canonical;
    use node::frames::{CanonicalBytes, Id};
    let network = byzantine();
    let expected = build_at(&network, 1, 2, 3).unwrap();
    let parts = network.parts(1, 2);
    let result = parts.result.unwrap();
    let point = network.entries[2].point();
    let ids = |hashes: &[Hash]| hashes.iter().map(|hash| Id(hash.0)).collect::<Vec<_>>();
    let frame = node::frames::ReceiptParts {
        payload: parts.payload,
        position: 2,
        path: ids(&parts.path),
        header: parts.header.to_bytes(),
        following: parts
            .following
            .iter()
            .map(|header| CanonicalBytes(header.to_bytes()))
            .collect(),
        commit: Some(CanonicalBytes(network.certificate(3, 3).to_bytes())),
        acknowledgements: Vec::new(),
        result: result.bytes,
        result_path: ids(&result.path),
        result_count: 3,
        digest_before: Id(result.digest_before.0),
        results_roots: ids(&result.roots),
        result_votes: vec![
            CanonicalBytes(
                network
                    .vote(0, Term(0), point, network.applied[2])
                    .to_bytes(),
            ),
            CanonicalBytes(
                network
                    .vote(3, Term(1), point, network.applied[1])
                    .to_bytes(),
            ),
        ],
    };
    let parts = ReceiptParts::try_from(frame.clone()).unwrap();
    let receipt = Receipt::build(&network.configuration, &parts).unwrap();
    assert_eq!(receipt, expected);
    let mut broken = frame;
    broken.header.pop();
    assert!(ReceiptParts::try_from(broken).is_err());
}

fn acknowledged(network: &Network, replies: &[(u16, u64)]) -> Receipt {
    let replies: Vec<_> = replies
        .iter()
        .map(|&(signer, index)| {
            let entry = &network.entries[usize::try_from(index).unwrap() - 1];
            network.reply(signer, entry.term(), entry.point())
        })
        .collect();
    let mut parts = network.parts(2, 2);
    parts.acknowledgements = replies;
    Receipt::build(&network.configuration, &parts).unwrap()
}

#[test]
fn raft_signed_shows_a_majoritys_acknowledgement() {
    let network = network_of(Mode::RaftSigned, 5);
    for replies in [[(1, 2), (2, 2)], [(1, 2), (4, 3)]] {
        let receipt = acknowledged(&network, &replies);
        let verified = verify(&network, &receipt);
        assert_eq!(verified.assurance, Assurance::MajorityAcknowledged);
        assert!(!verified.result.unwrap().certified);
    }
    // One reply and the leader are no majority of five; an earlier entry is another one; the
    // leader counts once.
    for replies in [&[(1, 2)][..], &[(1, 2), (2, 1)], &[(1, 2), (0, 2)]] {
        let receipt = acknowledged(&network, replies);
        let verified = verify(&network, &receipt);
        assert_eq!(verified.assurance, Assurance::InclusionOnly);
    }
}

/// Raft may not count an entry of an earlier term as committed by replies for that entry alone.
#[test]
fn raft_signed_counts_entries_of_the_replies_term_only() {
    let mut network = network_of(Mode::RaftSigned, 3);
    let payload = network.pay("alice", "bob", 1);
    network.apply_in(Term(1), vec![payload]);
    let old = network.entries[1].point();
    let new = network.entries[3].point();
    let build = |matched| {
        let mut parts = network.parts(2, 0);
        parts.acknowledgements = vec![network.reply(0, Term(1), matched)];
        Receipt::build(&network.configuration, &parts).unwrap()
    };
    let assurance = |receipt: &Receipt| verify(&network, receipt).assurance;
    assert_eq!(assurance(&build(old)), Assurance::InclusionOnly);
    let receipt = build(new);
    assert_eq!(assurance(&receipt), Assurance::MajorityAcknowledged);
    // The same cheat by hand.
    let reply = network.reply(0, Term(1), old);
    let bytes = consensus::encoding::Canonical::to_bytes(&reply);
    let cheated = edited(&receipt, |json| {
        json["commit"]["replies"] = json!([keys::to_hex(&bytes)]);
    });
    assert_eq!(
        failure(&network, &cheated),
        (Check::Commit, ReceiptError::NotAcknowledged)
    );
}

#[test]
fn raft_shows_inclusion_only_and_takes_no_proof_of_another_mode() {
    let network = network_of(Mode::Raft, 3);
    let receipt = acknowledged(&network, &[(1, 2), (2, 2)]);
    let verified = verify(&network, &receipt);
    assert_eq!(verified.assurance, Assurance::InclusionOnly);
    assert!(!verified.result.unwrap().certified);
    let other = byzantine();
    let certified = serde_json::to_value(build_at(&other, 1, 0, 1).unwrap()).unwrap();
    let pretended = edited(&receipt, |json| {
        json["commit"] = certified["commit"].clone()
    });
    let mode = consensus::Mode::Raft;
    assert_eq!(
        failure(&network, &pretended),
        (Check::Commit, ReceiptError::ProofOfOtherMode { mode })
    );
    let signed = edited(&receipt, |json| {
        let text = json["entry"].as_str().unwrap().to_owned();
        let header = &text[..text.len() - 2 * Signature::NONE.0.len()];
        json["entry"] = format!("{header}{}", "ab".repeat(64)).into();
    });
    assert_eq!(
        failure(&network, &signed),
        (Check::Entry, InvalidEntry::Signature.into())
    );
}

#[test]
fn another_leader_cannot_sign_the_entry() {
    let network = byzantine();
    let receipt = build_at(&network, 1, 0, 1).unwrap();
    let mut signed = network.entries[0].signed.clone();
    signed.header.author = NodeId(1);
    let bytes = consensus::encoding::Canonical::to_bytes(&signed);
    let forged = edited(&receipt, |json| json["entry"] = keys::to_hex(&bytes).into());
    assert_eq!(failure(&network, &forged).0, Check::Entry);
}

#[test]
fn hostile_files_are_refused() {
    let network = byzantine();
    let receipt = build_at(&network, 1, 0, 3).unwrap();
    let json = receipt.to_json();
    let huge = vec![b' '; ledger::limits::RECEIPT_BYTES + 1];
    assert!(matches!(
        Receipt::from_json(&huge),
        Err(ReceiptError::TooLarge(_))
    ));
    let with = |from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        Receipt::from_json(json.replacen(from, to, 1).as_bytes())
    };
    assert_eq!(
        with("\"format\": 1", "\"format\": 2"),
        Err(ReceiptError::Format(2))
    );
    for (from, to) in [
        ("\"format\": 1", "\"format\": 1, \"format\": 1"),
        ("\"format\": 1", "\"format\": 1, \"verified\": true"),
        ("\"position\": 0", "\"position\": -1"),
        ("\"position\": 0", "\"position\": 4294967296"),
        ("\"kind\": \"certificate\"", "\"kind\": \"trust-me\""),
        ("\"kind\"", "\"also\": 1, \"kind\""),
        ("\"network\": \"", "\"network\": \"A"),
        ("\"transaction\": \"", "\"transaction\": \"\\u001b"),
    ] {
        let error = with(from, to).unwrap_err();
        assert!(matches!(error, ReceiptError::Json(_)), "{to}");
        assert!(!error.to_string().contains('\u{1b}'));
    }
    for length in (0..json.len() - 2).step_by(97) {
        assert!(Receipt::from_json(&json.as_bytes()[..length]).is_err());
    }
    assert!(Receipt::from_json("[".repeat(100_000).as_bytes()).is_err());
    // Objects are objects: no array of their values in order stands for one.
    let whole = serde_json::to_value(build_at(&byzantine(), 1, 0, 1).unwrap()).unwrap();
    assert!(Receipt::from_json(whole.to_string().as_bytes()).is_ok());
    let mut commit = whole.clone();
    commit["commit"] = json!(["certificate", [], whole["commit"]["certificate"]]);
    let mut result = whole.clone();
    result["result"] = json!([whole["result"]["bytes"], whole["result"]["proof"]]);
    for array in [commit, result] {
        let refused = Receipt::from_json(array.to_string().as_bytes());
        assert!(matches!(refused, Err(ReceiptError::Json(_))), "{array}");
    }

    let hash = "00".repeat(32);
    let long = edited(&receipt, |json| json["path"] = json!(vec![&hash; 11]));
    assert!(matches!(
        failure(&network, &long),
        (Check::Inclusion, ReceiptError::TooMany { .. })
    ));
    let long = edited(&receipt, |json| {
        json["commit"]["between"] = json!(vec!["00"; 1025]);
    });
    assert!(matches!(
        failure(&network, &long),
        (Check::Commit, ReceiptError::TooMany { .. })
    ));
    let long = edited(&receipt, |json| {
        json["result"]["proof"]["roots_after"] = json!(vec![&hash; 8193]);
    });
    assert!(matches!(
        failure(&network, &long),
        (Check::Result, ReceiptError::TooMany { .. })
    ));
    for field in ["transaction", "entry"] {
        let empty = edited(&receipt, |json| json[field] = "".into());
        assert!(empty.verify(&network.genesis).is_err());
    }
}
