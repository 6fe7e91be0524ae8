//! A damaged node between honest nodes and liars.

mod network;

use std::sync::Arc;

use consensus::{Entry, encoding::Canonical};

use super::asking::Wanted;
use crate::frames::{BlockFrame, CanonicalBytes, Id, ServerFrame};
use network::{Answer, Network};

fn block(entry: &Entry) -> BlockFrame {
    let payloads = entry.payloads.iter();
    BlockFrame {
        header: entry.signed.to_bytes(),
        hash: Id(entry.point().hash.0),
        payloads: Some(payloads.map(|one| CanonicalBytes(one.to_vec())).collect()),
    }
}

fn answer_with(id: u64, block: BlockFrame) -> Vec<ServerFrame> {
    vec![ServerFrame::Block {
        id,
        block: Some(block),
    }]
}

fn honest(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
    answer_with(id, block(entry))
}

/// Has not got so far.
fn lagging(id: u64, _: &Arc<Entry>) -> Vec<ServerFrame> {
    vec![ServerFrame::Block { id, block: None }]
}

/// The right header and body under a signature that its author did not make.
fn forger(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
    let mut forged = entry.signed.clone();
    forged.signature.0[7] ^= 1;
    let header = forged.to_bytes();
    answer_with(
        id,
        BlockFrame {
            header,
            ..block(entry)
        },
    )
}

/// As a forger, and so that the entry has the same checksum: the checksum's own polynomial, laid over
/// any bits, does not change it.
fn forger_of_checksums(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
    const POLYNOMIAL: u64 = 0x1_04c1_1db7;
    let mut forged = entry.signed.clone();
    for bit in 0..33 {
        let coefficient = (POLYNOMIAL >> (32 - bit)) & 1;
        forged.signature.0[bit / 8] ^= (coefficient as u8) << (bit % 8);
    }
    let header = forged.to_bytes();
    answer_with(
        id,
        BlockFrame {
            header,
            ..block(entry)
        },
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_signature_from_one_peer_does_not_keep_the_next_from_being_asked() {
    let network = Network::start([forger, lagging, honest]).await;
    network.damage(&network.entries[1].signed.signature.0);
    network.refill().await.unwrap();
    network.expect_whole("one honest peer has the entry");
}

/// A machine may have no IPv6; then nothing is to be asked there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn validators_that_have_ipv6_addresses_are_asked_too() {
    let address = std::net::SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 0));
    if std::net::UdpSocket::bind(address).is_err() {
        return;
    }
    let network = Network::start_at(address, [lagging, forger, honest]).await;
    network.damage(&network.entries[1].payloads[0]);
    network.refill().await.unwrap();
    network.expect_whole("over IPv6");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_entry_with_an_undamaged_signature_any_peer_has_enough() {
    // As if the author had signed the header in several ways, and each node had another signature.
    let network = Network::start([forger, forger, forger]).await;
    network.damage(&network.entries[1].payloads[2]);
    network.refill().await.unwrap();
    network.expect_whole("the signature on disk is the right one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn if_all_lie_the_node_says_so_and_can_be_started_later() {
    let network = Network::start([forger, forger, forger]).await;
    network.damage(&network.entries[1].signed.signature.0);
    let refused = network.refill().await.unwrap_err();
    assert!(refused.contains("entry 2"), "{refused}");
    for liar in ["n0", "n1", "n2"] {
        assert!(refused.contains(liar), "{refused}");
    }
    assert!(!network.open().missing.is_empty(), "nothing was put back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answers_of_two_peers_keep_the_third_from_being_heard() {
    fn other_body(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        let mut other = block(entry);
        other.payloads.as_mut().unwrap()[1].0[0] ^= 1;
        answer_with(id, other)
    }
    fn more_body(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        let mut other = block(entry);
        let payloads = other.payloads.as_mut().unwrap();
        payloads.resize(500_000, CanonicalBytes(Vec::new()));
        answer_with(id, other)
    }
    fn no_body(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        let payloads = None;
        answer_with(
            id,
            BlockFrame {
                payloads,
                ..block(entry)
            },
        )
    }
    fn no_header(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        let header = vec![9; 40];
        answer_with(
            id,
            BlockFrame {
                header,
                ..block(entry)
            },
        )
    }
    fn other_index(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        let mut other = entry.signed.clone();
        other.header.index = other.header.index.next();
        let header = other.to_bytes();
        answer_with(
            id,
            BlockFrame {
                header,
                ..block(entry)
            },
        )
    }
    fn other_question(id: u64, entry: &Arc<Entry>) -> Vec<ServerFrame> {
        honest(id + 1, entry)
    }
    fn other_answer(id: u64, _: &Arc<Entry>) -> Vec<ServerFrame> {
        vec![ServerFrame::ReadIndex { id, index: 3 }]
    }
    fn silent(_: u64, _: &Arc<Entry>) -> Vec<ServerFrame> {
        Vec::new()
    }
    fn talkative(_: u64, _: &Arc<Entry>) -> Vec<ServerFrame> {
        let leader = |term| ServerFrame::Leader { term, leader: None };
        (0..5000).map(leader).collect()
    }
    let lies: [(&str, Answer); 12] = [
        ("a forged signature", forger),
        ("a forged signature and checksum", forger_of_checksums),
        ("another body", other_body),
        ("a longer body", more_body),
        ("no body", no_body),
        ("no header", no_header),
        ("another index", other_index),
        ("an answer to another question", other_question),
        ("another answer", other_answer),
        ("silence", silent),
        ("talk", talkative),
        ("nothing there", lagging),
    ];
    for pair in lies.chunks(2) {
        let [(one, first), (other, second)] = *pair else {
            panic!("an even number of lies");
        };
        let lies = format!("{one}, then {other}");
        let network = Network::start([first, second, honest]).await;
        // Neighbours, the last one among them, and one whose signature is damaged.
        network.damage(&network.entries[3].payloads[0]);
        network.damage(&network.entries[2].signed.signature.0);
        network.damage(&network.entries[0].payloads[1]);
        network.refill().await.expect(&lies);
        network.expect_whole(&lies);
    }
}

/// The checksum on disk can be forged: what an answer must be, its hash says before anything is
/// written, and a body is the one that its header names.
#[tokio::test]
async fn an_answer_with_another_index_hash_or_body_is_not_tried() {
    let network = Network::start([honest, honest, honest]).await;
    let verification = network.verification();
    let entry = &network.entries[1];
    let wanted = Wanted {
        index: entry.index(),
        hash: Some(entry.point().hash),
    };
    let taken = |wanted: &Wanted, block: &BlockFrame| wanted.entry_in(&verification, block);
    assert_eq!(taken(&wanted, &block(entry)).as_ref(), Some(entry));
    type Bend = fn(&mut Entry);
    let bends: [(&str, Bend); 4] = [
        ("another entry of its author", |it| {
            it.signed.header.timestamp += 1
        }),
        ("another payload", |it| it.payloads[0] = Arc::from([0; 300])),
        ("a payload less", |it| it.payloads.truncate(2)),
        ("payloads in another order", |it| it.payloads.reverse()),
    ];
    for (what, bend) in bends {
        let mut bent = (**entry).clone();
        bend(&mut bent);
        assert_eq!(taken(&wanted, &block(&bent)), None, "{what}");
    }
    let mut longer = block(entry);
    longer.header.push(0);
    assert_eq!(taken(&wanted, &longer), None, "bytes after the header");
    // In the Raft modes nothing says the last entry's hash, but its index and its body are known.
    let unknown = Wanted {
        hash: None,
        ..wanted
    };
    assert_eq!(taken(&unknown, &block(entry)).as_ref(), Some(entry));
    assert_eq!(taken(&unknown, &block(&network.entries[2])), None);
}
