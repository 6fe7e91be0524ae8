//! Nodes take in only what the ledger as they have executed it would not refuse at once (P6.2), in
//! every mode; clients are told why.

mod support;

use std::{net::SocketAddr, time::Duration};

use client::{ClientError, SignedRequest, Wait};
use consensus::{Hash, NodeId, PublicKey, Term, encoding::Canonical};
use keys::{KeyPair, Mode};
use ledger::{
    Operation, Outcome, RejectionCode, Transaction, TransactionResult, limits, request_key,
};
use node::{
    Complaint,
    frames::{self, ClientFrame, Refusal, ServerFrame},
};
use support::TestNetwork;
use transport::{ClientEndpoint, Identity, Limits, Network};

const PATIENCE: Duration = Duration::from_secs(30);

/// A payment of `account` to bob, signed with `key`.
fn payment(network: &TestNetwork, account: &str, key: &str, nonce: u64) -> Transaction {
    let (account, key) = (KeyPair::from_seed(account), KeyPair::from_seed(key));
    Transaction {
        network: Hash(network.genesis.id()),
        account: account.public_key().address(),
        opened: Hash([0; 32]),
        key: PublicKey(*key.public_key().as_bytes()),
        nonce,
        valid_until: 1000,
        salt: 0,
        reference: None,
        memo: String::new(),
        operations: vec![Operation::Transfer {
            to: KeyPair::from_seed("bob").public_key().address(),
            asset: "USD".parse().unwrap(),
            amount: 1,
        }],
    }
}

fn signed(transaction: Transaction, key: &str) -> SignedRequest {
    let id = transaction.id();
    let signed = transaction.sign(KeyPair::from_seed(key).signing_key());
    SignedRequest {
        payload: signed.to_bytes(),
        key: request_key(&signed.transaction),
        transaction: id.0,
    }
}

/// Whether it is refused for good, and why.
fn refused(error: &ClientError) -> Option<(bool, RejectionCode)> {
    let ClientError::NotAdmitted { settled, result } = error else {
        return None;
    };
    match TransactionResult::from_bytes(result) {
        Ok(TransactionResult {
            outcome: Outcome::Rejected(rejection),
            ..
        }) => Some((*settled, rejection.code)),
        _ => None,
    }
}

fn nothing_enters_that_is_refused_at_once(mode: Mode) {
    let network = TestNetwork::start(mode, 4);
    let client = network.client();
    let submit = |request: SignedRequest| {
        network.wait(client.submit_and_wait(request, Wait::Applied, PATIENCE))
    };
    let first = signed(payment(&network, "alice", "alice", 0), "alice");
    let done = submit(first.clone()).unwrap();
    let stranger = payment(&network, "mallory", "mallory", 0);
    let as_alice = payment(&network, "alice", "mallory", 1);
    let ahead = payment(&network, "alice", "alice", 1 + limits::NONCE_WINDOW);
    let over = Transaction {
        valid_until: 0,
        ..payment(&network, "alice", "alice", 1)
    };
    let rival = Transaction {
        memo: "another".to_owned(),
        ..payment(&network, "alice", "alice", 0)
    };
    for (transaction, key, settled, code) in [
        (stranger, "mallory", false, RejectionCode::UnknownAccount),
        (as_alice, "mallory", false, RejectionCode::WrongKey),
        (ahead, "alice", false, RejectionCode::NonceTooFar),
        (over, "alice", true, RejectionCode::Expired),
        (rival, "alice", true, RejectionCode::NonceUsed),
    ] {
        let error = submit(signed(transaction, key)).unwrap_err();
        assert_eq!(refused(&error), Some((settled, code)), "{error}");
    }
    // The first one again is answered with its outcome, and not executed again.
    let again = submit(first).unwrap();
    assert_eq!((again.index, again.result), (done.index, done.result));
    // Only the two payments are in the ledger.
    let second = signed(payment(&network, "alice", "alice", 1), "alice");
    let next = submit(second).unwrap();
    assert_eq!(next.index, done.index + 1);
    assert_eq!(network.balance("bob"), 2);
}

#[test]
fn nothing_enters_a_byzantine_network_that_is_refused_at_once() {
    nothing_enters_that_is_refused_at_once(Mode::Byzantine);
}

#[test]
fn nothing_enters_a_raft_network_that_is_refused_at_once() {
    nothing_enters_that_is_refused_at_once(Mode::Raft);
}

#[test]
fn nothing_enters_a_signed_raft_network_that_is_refused_at_once() {
    nothing_enters_that_is_refused_at_once(Mode::RaftSigned);
}

/// Forty connection keys complain, each as often as a key may at once, about requests of accounts that do
/// not exist. They come from one address, so that they share what one of them may (P12.2): each complaint
/// is told that, or that there is no such account; nobody watches over any, and no leader is suspected.
#[test]
fn complaints_of_strangers_have_no_effect() {
    let network = TestNetwork::start_for_anybody(Mode::Byzantine, 4);
    // Once one is executed, everybody is connected, and there is a leader.
    let first = signed(payment(&network, "alice", "alice", 0), "alice");
    let client = network.client();
    let done = network.wait(client.submit_and_wait(first, Wait::Applied, PATIENCE));
    let last = done.unwrap().index;
    let mut told = 0;
    for number in 0..40 {
        let name = format!("stranger {number}");
        let answers = network.wait(complain(&network, number % 4, &name));
        assert_eq!(answers.len(), COMPLAINTS);
        for answer in answers {
            let (settled, result) = match answer {
                Refusal::NotAdmitted { settled, result } => (settled, result),
                Refusal::Busy { .. } => continue,
                other => panic!("{other:?}"),
            };
            told += 1;
            let error = ClientError::NotAdmitted { settled, result };
            let expected = Some((false, RejectionCode::UnknownAccount));
            assert_eq!(refused(&error), expected);
        }
    }
    assert!(told >= 4 * COMPLAINTS, "{told}");
    for node in 0..4 {
        let status = network.status(node);
        assert_eq!((status.term, status.suspicion), (0, None));
        assert_eq!(status.head, last, "nothing more is in the ledger");
    }
}

/// Complaints that a key may make at once.
const COMPLAINTS: usize = 32;

/// Complains at a node about requests of an account of nobody's, and returns the refusals.
async fn complain(network: &TestNetwork, node: usize, name: &str) -> Vec<Refusal> {
    let configuration = node::configuration(&network.genesis, None).unwrap();
    let key = KeyPair::from_seed(name);
    let identity = Identity::new(key.signing_key().clone()).unwrap();
    let named = Network {
        id: network.genesis.id(),
        mode: configuration.mode().number(),
    };
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let endpoint = ClientEndpoint::bind(anywhere, &identity, named, Limits::default()).unwrap();
    let validator = *network.genesis.validators()[node].key.as_bytes();
    let connection = endpoint.connect(network.address(node), validator).await;
    let (sender, mut receiver) = connection.unwrap().split();
    for nonce in 0..COMPLAINTS as u64 {
        let request = signed(payment(network, name, name, nonce), name);
        let complaint = Complaint {
            term: Term(0),
            leader: NodeId(0),
            key: request.key,
        };
        let frame = ClientFrame::Complain {
            id: nonce,
            term: 0,
            leader: 0,
            signature: complaint.sign(&configuration, key.signing_key()).0,
            payload: request.payload,
        };
        sender.send(frames::encode(&frame).unwrap()).await.unwrap();
    }
    let mut refusals = Vec::new();
    while refusals.len() < COMPLAINTS {
        let bytes = receiver.recv().await.unwrap().expect("it answers");
        if let ServerFrame::Refused { refusal, .. } = ServerFrame::decode(&bytes).unwrap() {
            refusals.push(refusal);
        }
    }
    refusals
}
