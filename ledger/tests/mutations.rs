//! What happens when a rule is broken on purpose (`docs/mutations.md`): each scene comes out right
//! with the rule whole, and wrong with the switch on.

#![cfg(feature = "mutations")]

mod common;

use std::sync::Arc;

use common::{Network, address, asset};
use consensus::{
    Ed25519, Hash, Payloads, PublicKey, Signature,
    encoding::Canonical,
    mutation::{Mutation, activate},
};
use curve25519_dalek::{Scalar, constants, edwards::EdwardsPoint};
use ledger::{Operation, SignedTransaction, Transaction, TransactionPayloads};
use sha2::{Digest as _, Sha512};

/// Plays a scene, which says whether harm was done, with the rule whole and then broken.
fn bites(mutation: Mutation, scene: fn() -> bool) {
    assert!(!scene(), "the rule holds");
    let _broken = activate(Some(mutation));
    assert!(scene(), "nothing depends on the rule");
}

/// A payment that is committed twice. Whether it moves money twice.
#[test]
fn a_repeated_payment_moves_money_once() {
    bites(Mutation::RepeatsExecuted, || {
        let mut network = Network::byzantine();
        let payment = network.pay("alice", "bob", 100);
        network.apply_one(Arc::clone(&payment));
        assert_eq!(network.balance("bob", "USD"), 100);
        network.apply_one(payment);
        network.balance("bob", "USD") > 100
    });
}

/// A client whose key has a part of small order, and who knows the rest.
struct Crafter {
    secret: Scalar,
    public: EdwardsPoint,
}

impl Crafter {
    fn new() -> Self {
        let secret = Scalar::from(123_456_789_u64);
        Self {
            secret,
            public: EdwardsPoint::mul_base(&secret) + constants::EIGHT_TORSION[1],
        }
    }

    /// A transaction with a signature that is good but for the part of small order.
    fn payload(&self, network: Hash, nonce: u64) -> Arc<[u8]> {
        let key = self.public.compress().to_bytes();
        let transaction = Transaction {
            network,
            account: address("alice"),
            key: PublicKey(key),
            opened: Hash::default(),
            nonce,
            valid_until: 1000,
            salt: 0,
            reference: None,
            memo: String::new(),
            operations: vec![Operation::Transfer {
                to: address("bob"),
                asset: asset("USD"),
                amount: 1,
            }],
        };
        let blinding = Scalar::from(nonce + 1);
        let commitment = EdwardsPoint::mul_base(&blinding).compress().to_bytes();
        let challenge = Sha512::new()
            .chain_update(commitment)
            .chain_update(key)
            .chain_update(transaction.signing_digest().0)
            .finalize();
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.into());
        let response = blinding + challenge * self.secret;
        let mut signature = Signature([0; 64]);
        signature.0[..32].copy_from_slice(&commitment);
        signature.0[32..].copy_from_slice(response.as_bytes());
        let signed = SignedTransaction {
            transaction,
            signature,
        };
        signed.to_bytes().into()
    }
}

/// Entries with one good and one crafted request each. One follower judges both requests, another
/// has judged the good one before. Whether they ever disagree about an entry.
#[test]
fn followers_agree_about_signatures_with_torsion() {
    bites(Mutation::BatchDecidesAlone, || {
        let mut network = Network::byzantine();
        let id = network.ledger.network();
        let payloads = TransactionPayloads::with_verifier(id, Arc::new(Ed25519::default()));
        let good = network.pay("alice", "bob", 1);
        assert!(payloads.check(&good).is_ok());
        let crafter = Crafter::new();
        let mut accepted = 0;
        let disagree = (0..64).any(|nonce| {
            let crafted = crafter.payload(id, nonce);
            let first = payloads.check_all(&[Arc::clone(&good), Arc::clone(&crafted)]);
            let second = payloads.check_all(&[Arc::clone(&crafted)]);
            accepted += usize::from(second.is_ok());
            first.is_ok() != second.is_ok()
        });
        // One in eight equations holds by chance, so that the crafted requests are worth judging.
        assert!(accepted > 0 || disagree);
        disagree
    });
}
