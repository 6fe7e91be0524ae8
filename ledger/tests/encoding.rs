//! Canonical layouts with their test vectors, and what the pure judgement refuses.

mod common;

use std::sync::Arc;

use common::{Network, address, genesis_of, key, open, public, transfer};
use consensus::{Hash, Payloads, PublicKey, Request, Signature, encoding::Canonical};
use keys::{Mode, to_hex};
use ledger::{
    Operation, Reference, SignedTransaction, Transaction, TransactionError, TransactionPayloads,
    request_account, request_key,
};
use proptest::prelude::*;

fn example() -> Transaction {
    Transaction {
        network: Hash([0x11; 32]),
        account: address("alice"),
        key: public("alice"),
        opened: Hash([0x33; 32]),
        nonce: 7,
        valid_until: 1000,
        salt: 0x0807_0605_0403_0201,
        reference: Some(Reference {
            name: [0x22; 32],
            since: 900,
        }),
        memo: "für Brot".to_owned(),
        operations: vec![
            transfer("bob", 250),
            common::issue("carol", 1),
            open("dave", Some("dave")),
        ],
    }
}

#[test]
fn the_layout_is_the_documented_one() {
    let mut expected = vec![0x11; 32];
    expected.extend(address("alice").as_bytes());
    expected.extend(public("alice").0);
    expected.extend([0x33; 32]);
    expected.extend(7_u64.to_le_bytes());
    expected.extend(1000_u64.to_le_bytes());
    expected.extend([1, 2, 3, 4, 5, 6, 7, 8]);
    expected.push(1);
    expected.extend([0x22; 32]);
    expected.extend(900_u64.to_le_bytes());
    expected.extend(9_u32.to_le_bytes());
    expected.extend("für Brot".as_bytes());
    expected.extend(3_u32.to_le_bytes());
    for (kind, to, amount) in [(1_u8, "bob", 250_u64), (2, "carol", 1)] {
        expected.push(kind);
        expected.extend(address(to).as_bytes());
        expected.extend(b"USD\0\0\0\0\0\0\0\0\0");
        expected.extend(amount.to_le_bytes());
    }
    expected.push(3);
    expected.extend(public("dave").0);
    expected.extend(4_u32.to_le_bytes());
    expected.extend(b"dave");
    assert_eq!(to_hex(&example().to_bytes()), to_hex(&expected));
}

/// A client in another language must come to the same values: id, digest that is signed, content
/// of a reference, signature, account of the request.
#[test]
fn hashes_and_signature_are_those_of_the_vectors() {
    let signed = example().sign(key("alice").signing_key());
    let vectors = [
        signed.transaction.id().to_string(),
        signed.transaction.signing_digest().to_string(),
        signed.transaction.content().to_string(),
        to_hex(&signed.signature.0),
        to_hex(&request_account(&address("alice"), &public("alice"))),
    ];
    assert_eq!(vectors, VECTORS);
}

const VECTORS: [&str; 5] = [
    "df82b294121adcb53f6c8bdd7740d7eaa8431dce748e5ba829eca3508355c53f",
    "5d540bb8267bdf7b71ce1e20abc215039cdc4a467e4f252ea1170bd923a56c7c",
    "c88ad55288ffc786b4cf482fa1672ec04487800cb38863339c0aac3e6aab0095",
    "cbb3e4adddf9256367a036020e113276afe078835fd640e8a2b56bae6f7bff65674ed9bb389c2b799ea481fe8ae4255d63ad03eb5a1f425dfbb00c149a167009",
    "192463f06039d94a91f3f3a34203344277c9d3a9931710c0ce56cdfb8afb6c25",
];

#[test]
fn the_id_covers_every_field_and_not_the_signature() {
    let base = example();
    let changes: [fn(&mut Transaction); 12] = [
        |it| it.network.0[0] ^= 1,
        |it| it.account = address("bob"),
        |it| it.key = public("bob"),
        |it| it.opened.0[0] ^= 1,
        |it| it.nonce += 1,
        |it| it.valid_until += 1,
        |it| it.salt += 1,
        |it| it.reference = None,
        |it| it.reference.as_mut().unwrap().since += 1,
        |it| it.memo.push('!'),
        |it| it.operations.swap(0, 1),
        |it| it.operations.truncate(1),
    ];
    for change in changes {
        let mut other = base.clone();
        change(&mut other);
        assert_ne!(other.id(), base.id());
        assert_ne!(other.signing_digest(), base.signing_digest());
    }
}

fn judge() -> TransactionPayloads {
    TransactionPayloads::new(&genesis_of(Mode::Byzantine, 4))
}

fn valid() -> Transaction {
    Network::byzantine().transaction("alice", vec![transfer("bob", 1)])
}

fn refusal(change: impl FnOnce(&mut Transaction)) -> TransactionError {
    let network = Network::byzantine();
    let mut transaction = valid();
    change(&mut transaction);
    let payload = transaction.sign(key("alice").signing_key()).to_bytes();
    let refused = judge().check(&payload).unwrap_err();
    let error = SignedTransaction::read(&network.ledger.network(), &payload).unwrap_err();
    assert_eq!(refused.0, error.to_string());
    error
}

#[test]
fn form_and_network_are_judged() {
    use TransactionError as Error;
    assert_eq!(refusal(|it| it.operations.clear()), Error::Empty);
    let control = refusal(|it| it.memo = "\u{1b}[2J".to_owned());
    assert_eq!(control, Error::MemoCharacters);
    let network = refusal(|it| it.network.0[3] ^= 1);
    assert!(matches!(network, Error::WrongNetwork { .. }));
    let memo = refusal(|it| it.memo = "x".repeat(257));
    assert!(matches!(memo, Error::Malformed(_)));
    let batch = refusal(|it| it.operations = vec![transfer("bob", 1); 129]);
    assert!(matches!(batch, Error::Malformed(_)));
    let mut identity = [0; 32];
    identity[0] = 1;
    let weak = refusal(|it| {
        it.operations = vec![Operation::OpenAccount {
            key: PublicKey(identity),
            name: None,
        }];
    });
    assert_eq!(weak, Error::AccountKey(keys::PublicKeyError::Weak));
    let name = refusal(|it| it.operations = vec![open("dave", Some("../x"))]);
    assert!(matches!(name, Error::AccountName(_)));
}

#[test]
fn the_limits_themselves_are_allowed() {
    let mut transaction = valid();
    transaction.memo = "x".repeat(256);
    transaction.operations = vec![transfer("bob", 1); 128];
    let payload = transaction.sign(key("alice").signing_key()).to_bytes();
    assert!(judge().check(&payload).is_ok());
}

#[test]
fn the_signature_must_be_the_keys() {
    let judge = judge();
    let signed = valid().sign(key("alice").signing_key());
    let expected = request_key(&signed.transaction);
    assert_eq!(judge.check(&signed.to_bytes()), Ok(expected));
    let mut bad = signed.clone();
    bad.signature = Signature([7; 64]);
    assert!(judge.check(&bad.to_bytes()).is_err());
    // Its identity can be read all the same.
    assert_eq!(judge.key(&bad.to_bytes()), Ok(expected));
    let by_other = valid().sign(key("bob").signing_key());
    assert!(judge.check(&by_other.to_bytes()).is_err());
    let payload: Arc<[u8]> = signed.to_bytes().into();
    assert!(Request::check(payload, &judge).is_ok());
}

#[test]
fn many_are_judged_as_one_is() {
    let judge = judge();
    let mut network = Network::byzantine();
    let mut payloads: Vec<_> = (0..50).map(|_| network.pay("alice", "bob", 1)).collect();
    let one_by_one: Vec<_> = payloads
        .iter()
        .map(|payload| judge.check(payload).unwrap())
        .collect();
    assert_eq!(judge.check_all(&payloads), Ok(one_by_one));
    let mut bad = payloads[33].to_vec();
    *bad.last_mut().unwrap() ^= 1;
    payloads[33] = bad.into();
    assert!(judge.check_all(&payloads).is_err());
}

/// A request under another key must not take the place of the account's own.
#[test]
fn nobody_else_can_occupy_an_accounts_request() {
    let mine = valid();
    let mut squatter = valid();
    squatter.key = public("bob");
    assert_ne!(request_key(&mine), request_key(&squatter));
    let mut changed = valid();
    changed.memo = "other".to_owned();
    assert_eq!(request_key(&mine), request_key(&changed));
}

proptest! {
    #[test]
    fn whatever_is_read_has_exactly_those_bytes(
        mut bytes in prop::collection::vec(any::<u8>(), 0..64),
        at in 0..400_usize,
        cut in 0..500_usize,
    ) {
        let signed = example().sign(key("alice").signing_key());
        let mut payload = signed.to_bytes();
        let at = at.min(payload.len());
        for (place, byte) in payload[at..].iter_mut().zip(bytes.drain(..)) {
            *place = byte;
        }
        payload.truncate(payload.len().saturating_sub(cut / 10 * (cut % 2)));
        if let Ok(read) = SignedTransaction::from_bytes(&payload) {
            prop_assert_eq!(read.to_bytes(), payload);
        }
    }

    #[test]
    fn noise_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..700)) {
        let judge = judge();
        prop_assert!(judge.check(&bytes).is_err());
        prop_assert!(judge.key(&bytes).is_err());
    }
}
