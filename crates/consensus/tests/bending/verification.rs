//! Is each check called? Every place in a message that holds a certificate, an entry, a header or a
//! statement of somebody else gets each thing that must not stand there, in a message that is signed
//! rightly and sound otherwise (P2.2, P2.7, P3.2, P4.5).

use std::sync::Arc;

use consensus::{
    ClientChecks, Entry, Epoch, Evidence, Hash, Message, Mode, NodeId, Point, Refused, Signature,
    Signed, SignedHeader, Term,
    certificate::{CertificateError, Counted},
    evidence::{NoEvidence, Offence},
    message::{Grant, RaftVote, Relay, ShownVote, Testimony, Vote},
    verification::InvalidEntry,
};

use super::{
    network::{BASE, Network},
    places::{
        NEXT, TERM, report, request, testimony, with_election, with_entries, with_header,
        with_leave, with_quorum,
    },
};

/// Each of the places must refuse each bent thing, for the reason given, and take the sound one.
fn in_each_place<T>(
    places: impl Fn(&T) -> Vec<(&'static str, Message)>,
    network: &Network,
    sound: &T,
    bent: &[(&str, T, Refused)],
) {
    for (place, message) in places(sound) {
        assert_eq!(network.judge(&message), Ok(()), "{place}");
    }
    for (what, bent, refused) in bent {
        for (place, message) in places(bent) {
            assert_eq!(
                network.judge(&message),
                Err(refused.clone()),
                "{what} in {place}"
            );
        }
    }
}

fn break_signature(signature: &mut Signature) {
    signature.0[0] ^= 1;
}

#[test]
fn a_bad_quorum_certificate_is_refused_wherever_it_stands() {
    let network = Network::new(4);
    let headers = network.headers(TERM, BASE, 3);
    let sound = network.certificate(Counted::Accepted, &headers, 3);
    let mut forged = sound.clone();
    break_signature(&mut forged.votes[1].signature);
    let mut alone = sound.clone();
    alone.votes.truncate(1);
    let mut unlinked = sound.clone();
    unlinked.header.timestamp += 1;
    in_each_place(
        |certificate| with_quorum(&network, certificate),
        &network,
        &sound,
        &[
            ("a forged vote", forged, CertificateError::Signature.into()),
            (
                "one vote",
                alone,
                CertificateError::TooFew {
                    found: 1,
                    needed: 3,
                }
                .into(),
            ),
            (
                "headers without links",
                unlinked,
                CertificateError::Headers.into(),
            ),
        ],
    );
}

#[test]
fn a_bad_election_certificate_is_refused_wherever_it_stands() {
    let network = Network::new(4);
    let sound = network.election(TERM, BASE, Hash([5; 32]));
    let mut forged = sound.clone();
    break_signature(&mut forged.grants[1].1);
    let mut alone = sound.clone();
    alone.grants.truncate(1);
    in_each_place(
        |certificate| with_election(&network, certificate),
        &network,
        &sound,
        &[
            ("a forged grant", forged, CertificateError::Signature.into()),
            (
                "one grant",
                alone,
                CertificateError::TooFew {
                    found: 1,
                    needed: 3,
                }
                .into(),
            ),
        ],
    );
}

#[test]
fn a_bad_leave_certificate_is_refused_wherever_it_stands() {
    let network = Network::new(4);
    let sound = network.leave(TERM);
    let mut forged = sound.clone();
    break_signature(&mut forged.leaves[1].signature);
    let mut empty = sound.clone();
    empty.leaves.clear();
    in_each_place(
        |certificate| with_leave(&network, certificate),
        &network,
        &sound,
        &[
            ("a forged Leave", forged, CertificateError::Signature.into()),
            (
                "no suspicion",
                empty,
                CertificateError::TooFew {
                    found: 0,
                    needed: 3,
                }
                .into(),
            ),
        ],
    );
}

#[test]
fn a_header_that_the_terms_leader_did_not_sign_is_refused_wherever_it_stands() {
    let network = Network::new(4);
    let header = network.headers(TERM, BASE, 1).remove(0);
    let sound = network.signed_header(header.clone());
    let unsigned = SignedHeader {
        header: header.clone(),
        signature: Signature::NONE,
    };
    let mut of_another = header;
    of_another.author = NodeId(network.leader(NEXT));
    in_each_place(
        |signed| with_header(&network, signed),
        &network,
        &sound,
        &[
            ("no signature", unsigned, InvalidEntry::Signature.into()),
            (
                "another's header",
                network.signed_header(of_another),
                InvalidEntry::Author.into(),
            ),
        ],
    );
}

#[test]
fn an_invalid_entry_is_refused_wherever_it_stands() {
    let network = Network::new(4);
    let kind = consensus::EntryKind::Transactions;
    let header = network.header(kind, TERM, BASE, &[b"first"]);
    let after = network.point(&header);
    let second = network.header(kind, TERM, after, &[b"second"]);
    let of = |second: consensus::EntryHeader, body: &[&[u8]]| {
        vec![
            network.entry(header.clone(), &[b"first"]),
            network.entry(second, body),
        ]
    };
    let sound = of(second.clone(), &[b"second"]);
    let mut unlinked = second.clone();
    unlinked.previous = BASE.hash;
    let mut of_another = second.clone();
    of_another.author = NodeId(network.leader(NEXT));
    in_each_place(
        |entries: &Vec<Arc<Entry>>| with_entries(&network, entries),
        &network,
        &sound,
        &[
            (
                "another body",
                of(second, &[b"other"]),
                InvalidEntry::Body.into(),
            ),
            (
                "an entry that follows another",
                of(unlinked, &[b"second"]),
                InvalidEntry::Unlinked.into(),
            ),
            (
                "another's entry",
                of(of_another, &[b"second"]),
                InvalidEntry::Author.into(),
            ),
        ],
    );
}

#[test]
fn a_forged_statement_in_a_testimony_is_refused() {
    let network = Network::new(4);
    let vote = network.vote(0, TERM, Some(BASE));
    let grant = Grant {
        epoch: Epoch::ZERO,
        term: Term(TERM),
        base: BASE,
        reports: Hash::default(),
    };
    let grant = network.sign(0, grant);
    let told = |votes: Vec<Signed<Vote>>, grants: Vec<Signed<Grant>>| {
        let shown = votes.into_iter().map(|vote| ShownVote {
            vote,
            headers: Vec::new(),
        });
        let testimony = Testimony {
            votes: shown.collect(),
            grants,
            ..testimony()
        };
        network.judge(&network.sign(1, testimony).into())
    };
    assert_eq!(told(vec![vote.clone()], vec![grant.clone()]), Ok(()));
    // The last of several, as each must be looked at.
    let mut forged_vote = vote.clone();
    forged_vote.body.term = Term(NEXT);
    assert_eq!(
        told(vec![vote.clone(), forged_vote], Vec::new()),
        Err(Refused::Signature)
    );
    let mut forged_grant = grant.clone();
    forged_grant.signer = NodeId(2);
    assert_eq!(
        told(vec![vote], vec![grant, forged_grant]),
        Err(Refused::Signature)
    );
}

#[test]
fn an_accusation_without_proof_is_refused() {
    let network = Network::new(4);
    let grant = |node, base| {
        let grant = Grant {
            epoch: Epoch::ZERO,
            term: Term(TERM),
            base,
            reports: Hash::default(),
        };
        network.sign(node, grant)
    };
    let accuse = |first, second| {
        let evidence = Evidence {
            epoch: Epoch::ZERO,
            offence: Offence::TwoGrants { first, second },
        };
        network.judge(&network.sign(1, evidence).into())
    };
    let (one, other) = (grant(0, BASE), grant(0, Point::default()));
    assert_eq!(accuse(one.clone(), other.clone()), Ok(()));
    let mut forged = other;
    break_signature(&mut forged.signature);
    let refused = NoEvidence::Signature.into();
    assert_eq!(accuse(one.clone(), forged), Err(refused));
    let refused = NoEvidence::NoContradiction.into();
    assert_eq!(accuse(one.clone(), one), Err(refused));
}

#[test]
fn a_request_for_votes_is_its_terms_leaders_with_one_report_of_each_for_that_term() {
    let network = Network::new(4);
    let report = report(&network);
    let of = |node| network.sign(node, report.clone());
    let sound = request(&network, vec![of(0), of(1), of(2)]);
    assert_eq!(network.judge(&sound), Ok(()));

    let Message::RequestVote(signed) = sound else {
        unreachable!()
    };
    let usurped = network.sign(0, signed.body.clone());
    assert_eq!(network.judge(&usurped.into()), Err(Refused::Sender));

    let signers = Err(CertificateError::Signers.into());
    let twice = request(&network, vec![of(0), of(1), of(0)]);
    assert_eq!(network.judge(&twice), signers);
    let stranger = request(&network, vec![of(0), of(1), of(9)]);
    assert_eq!(network.judge(&stranger), signers);
    let mut old = report.clone();
    old.term = Term(TERM);
    let of_another_term = request(&network, vec![of(0), of(1), network.sign(2, old)]);
    assert_eq!(network.judge(&of_another_term), signers);

    let mut forged = of(2);
    break_signature(&mut forged.signature);
    let forged = request(&network, vec![of(0), of(1), forged]);
    assert_eq!(network.judge(&forged), Err(Refused::Signature));
}

/// In Byzantine mode a signed statement counts whoever brings it; in the Raft modes the channel is the
/// sender, even where statements are signed. And each mode has messages that are no other's.
#[test]
fn a_message_counts_by_its_signer_or_by_its_channel_as_its_mode_says() {
    for mode in [Mode::Byzantine, Mode::RaftSigned, Mode::Raft] {
        let network = Network::of(4, 1, mode, ClientChecks::All);
        let relay = Relay {
            epoch: Epoch::ZERO,
            complained: false,
            requests: Vec::new(),
        };
        let vote = Vote {
            epoch: Epoch::ZERO,
            term: Term(TERM),
            accepted: None,
            locked: None,
            applied: None,
        };
        let raft_vote = RaftVote {
            epoch: Epoch::ZERO,
            term: Term(TERM),
            pre_vote: false,
            granted: true,
        };
        let relay = Message::from(network.sign(1, relay));
        let vote = Message::from(network.sign(1, vote));
        let raft_vote = Message::from(network.sign(1, raft_vote));
        let brought = |by: u16, message: &Message| {
            let judged = network
                .verification()
                .message(NodeId(by), &message.to_bytes());
            judged.map(drop)
        };
        let (own, others) = match mode {
            Mode::Byzantine => (&vote, &raft_vote),
            Mode::RaftSigned | Mode::Raft => (&raft_vote, &vote),
        };
        let by_another = match mode {
            Mode::Byzantine => Ok(()),
            Mode::RaftSigned | Mode::Raft => Err(Refused::Sender),
        };
        for message in [own, &relay] {
            assert_eq!(brought(1, message), Ok(()), "{mode:?}");
            assert_eq!(brought(2, message), by_another, "{mode:?}");
        }
        for by in [1, 2] {
            assert_eq!(brought(by, others), Err(Refused::Sender), "{mode:?}");
        }
    }
}
