//! What was signed for one term, epoch, network or mode is worth nothing in another (P2.1).
//!
//! Each replay comes out harmless with the rule whole, and does harm where the build can break it.

#[allow(dead_code, reason = "shared with other tests, which need more of it")]
mod cluster;

use std::sync::Arc;

use cluster::Cluster;
use consensus::{
    ClientChecks, Configuration, Domain, EntryHeader, EntryKind, Epoch, Hash, Message, Mode,
    NodeId, Signed, SignedHeader, Signer, Term,
    certificate::LeaveCertificate,
    evidence::{Evidence, Offence},
    message::{Leave, Proof, Reason},
    mutation::Mutation,
    signature::public_key,
};
use ed25519_dalek::SigningKey;

fn key(node: u16) -> SigningKey {
    SigningKey::from_bytes(&[u8::try_from(node).unwrap() + 1; 32])
}

/// Checks that a replay does harm if and only if the rule is broken.
fn harms_only_under(mutation: Mutation, replay: fn() -> bool) {
    assert!(!replay(), "the rule holds");
    #[cfg(feature = "mutations")]
    {
        let _broken = consensus::mutation::activate(Some(mutation));
        assert!(replay(), "nothing depends on the rule");
    }
    #[cfg(not(feature = "mutations"))]
    let _ = mutation;
}

/// A configuration with the same keys for something else.
fn elsewhere(network: Hash, mode: Mode) -> Configuration {
    Configuration::genesis(
        Domain { network, mode },
        (0..4).map(|node| public_key(&key(node))).collect(),
        ClientChecks::All,
    )
    .unwrap()
}

/// A traitor takes Leaves that Q nodes signed elsewhere, says that they are of this network's
/// first term, and shows them to everybody. Whether the leader, which nobody suspects, is deposed.
fn leaves_replayed(signed_in: &Configuration, epoch: Epoch, term: Term) -> bool {
    let mut cluster = Cluster::hostile(4);
    cluster.run_for(100);
    let here = Arc::clone(&cluster.setups[0].configuration);
    let leaves = (0..3).map(|node| {
        let leave = Leave {
            epoch,
            term,
            reason: Reason::Silent,
            followed: false,
        };
        let mut signed = Signed::new(signed_in, NodeId(node), &key(node), leave);
        signed.body.epoch = here.epoch();
        signed.body.term = Term::ZERO;
        signed
    });
    let proof = Proof {
        epoch: here.epoch(),
        election: None,
        leave: Some(LeaveCertificate {
            epoch: here.epoch(),
            term: Term::ZERO,
            leaves: leaves.collect(),
        }),
        commit: None,
    };
    for to in 0..3 {
        cluster.say(3, to, Signed::new(&here, NodeId(3), &key(3), proof.clone()));
    }
    cluster.run_for(50);
    (0..3).any(|node| cluster.status(node).term > Term::ZERO)
}

/// The replays are made as they must be: of this very network and term they depose its leader.
#[test]
fn a_leave_of_this_term_ends_it() {
    let here = elsewhere(Hash([9; 32]), Mode::Byzantine);
    assert!(leaves_replayed(&here, Epoch::ZERO, Term::ZERO));
}

#[test]
fn a_leave_of_another_term() {
    harms_only_under(Mutation::SignatureWithoutTerm, || {
        let here = elsewhere(Hash([9; 32]), Mode::Byzantine);
        leaves_replayed(&here, Epoch::ZERO, Term(8))
    });
}

#[test]
fn a_leave_of_another_epoch() {
    harms_only_under(Mutation::SignatureWithoutEpoch, || {
        let here = elsewhere(Hash([9; 32]), Mode::Byzantine);
        leaves_replayed(&here, Epoch(1), Term::ZERO)
    });
}

#[test]
fn a_leave_of_another_network() {
    harms_only_under(Mutation::SignatureWithoutNetwork, || {
        let there = elsewhere(Hash([10; 32]), Mode::Byzantine);
        leaves_replayed(&there, Epoch::ZERO, Term::ZERO)
    });
}

/// n1 leads term 1 here, and led term 1 of a network in mode raft-signed with the same keys. A
/// traitor shows the entry from there. Whether the correct n1 is accused of equivocation.
#[test]
fn entry_of_another_mode() {
    harms_only_under(Mutation::SignatureWithoutMode, || {
        let mut cluster = Cluster::hostile(4);
        cluster.run_for(100);
        cluster.stop(0);
        cluster.submit(1, 7);
        cluster.run_for(3_000);
        let here = Arc::clone(&cluster.setups[0].configuration);
        let of_term_1 = |message: &Message| match message {
            Message::AppendEntries(signed) => signed
                .body
                .entries
                .iter()
                .find(|entry| entry.header().author == NodeId(1))
                .map(|entry| entry.signed.clone()),
            _ => None,
        };
        let own = cluster
            .sent
            .iter()
            .find_map(|(_, _, message)| of_term_1(message))
            .expect("n1 led");
        let there = elsewhere(here.domain().network, Mode::RaftSigned);
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            ..own.header.clone()
        };
        let hash = header.hash(&there);
        let digest = EntryHeader::signing_digest(&there, header.epoch, &hash);
        let signature = key(1).sign(&digest);
        let accusation = Evidence {
            epoch: here.epoch(),
            offence: Offence::Equivocation {
                author: NodeId(1),
                first: own,
                second: SignedHeader { header, signature },
            },
        };
        cluster.say(3, 2, Signed::new(&here, NodeId(3), &key(3), accusation));
        cluster.run_for(50);
        cluster.status(2).evidence > 0
    });
}
