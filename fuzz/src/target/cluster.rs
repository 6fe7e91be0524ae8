//! A whole network with one traitor, whose every word is the input's: the fault model of Byzantine
//! mode (P1.1), driven by bytes.

use consensus::{Entry, EntryHeader, Hash, Message, Signed, SignedHeader, merkle, signed::Body};

use super::{Memory, Target};
use crate::{
    input::Input,
    replicas::{Cluster, TRAITOR},
};

pub(super) const TARGET: Target = Target {
    name: "traitor",
    about: "four replicas, one of whose keys the input holds: it says altered forms of what was said, parts and heals the network, restarts nodes; nobody panics, no two correct nodes execute different entries, and no correct node is accused",
    run: traitor,
    memory: Memory {
        factor: 0,
        fixed: 4 << 30,
    },
    longest: 512,
    replayed: 1_200,
};

/// Most actions of one input.
const ACTIONS: usize = 48;

fn traitor(input: &[u8]) {
    let mut input = Input(input);
    let mut cluster = Cluster::new(input.byte());
    for _ in 0..ACTIONS {
        if input.is_empty() {
            break;
        }
        match input.byte() % 10 {
            0..=3 => say_altered(&mut cluster, &mut input),
            4 => cluster.submit(input.byte()),
            5 => cluster.wait(),
            6 => cluster.pass(u64::from(input.byte()) * 10),
            7 => cluster.part(input.byte()),
            8 => cluster.restart(input.byte()),
            _ => say_anything(&mut cluster, &mut input),
        }
        cluster.settle();
        cluster.check();
    }
}

/// Says any message in the traitor's name.
fn say_anything(cluster: &mut Cluster, input: &mut Input<'_>) {
    let to = input.byte();
    let bytes = input.block();
    if let Ok(message) = Message::from_bytes(&cluster.configuration, bytes) {
        cluster.say(to, resigned(cluster, message, 0));
    }
}

/// Says something that was said before, a few bytes of it changed, in the traitor's name.
fn say_altered(cluster: &mut Cluster, input: &mut Input<'_>) {
    let to = input.byte();
    let Some(mut bytes) = cluster.said(input.byte()) else {
        return;
    };
    let how = input.byte();
    // Behind the kind stands the signer.
    bytes[1..3].copy_from_slice(&TRAITOR.0.to_le_bytes());
    for _ in 0..how & 3 {
        let place = usize::from(input.number()) % bytes.len();
        bytes[place] = bytes[place].wrapping_add(input.byte());
    }
    if let Ok(message) = Message::from_bytes(&cluster.configuration, &bytes) {
        cluster.say(to, resigned(cluster, message, how >> 2));
    }
}

/// The message with every signature that the traitor can make. Its own entries get another body if
/// `body` is not zero.
fn resigned(cluster: &Cluster, message: Message, body: u8) -> Message {
    fn sign<T: Body>(cluster: &Cluster, signed: Signed<T>) -> Signed<T> {
        if signed.signer != TRAITOR {
            return signed;
        }
        Signed::new(&cluster.configuration, TRAITOR, cluster.key(), signed.body)
    }
    macro_rules! each {
        ($($kind:ident),*) => {
            match message {
                Message::AppendEntries(mut signed) => {
                    relink(cluster, signed.body.previous.hash, &mut signed.body.entries, body);
                    sign(cluster, signed).into()
                }
                Message::FetchReply(mut signed) => {
                    relink(cluster, signed.body.from.hash, &mut signed.body.entries, body);
                    sign(cluster, signed).into()
                }
                $(Message::$kind(signed) => sign(cluster, signed).into(),)*
                #[allow(unreachable_patterns, reason = "a kind that is new here is said as it is")]
                other => other,
            }
        };
    }
    each!(
        Heartbeat,
        Vote,
        Suspect,
        Leave,
        Report,
        RequestVote,
        VoteGranted,
        Proof,
        Fetch,
        Relay,
        Testimony,
        Accuse,
        RaftAppend,
        RaftAppendReply,
        RaftRequestVote,
        RaftVote
    )
}

fn relink(cluster: &Cluster, mut previous: Hash, entries: &mut [std::sync::Arc<Entry>], body: u8) {
    for entry in entries {
        let mut header: EntryHeader = entry.header().clone();
        if header.author != TRAITOR {
            previous = entry.point().hash;
            continue;
        }
        header.previous = previous;
        let mut payloads = entry.payloads.clone();
        if body != 0 && header.kind == consensus::EntryKind::Transactions {
            payloads = vec![std::sync::Arc::from([body])];
            header.count = 1;
        }
        header.body_root = merkle::root(&payloads);
        let configuration = &cluster.configuration;
        let hash = header.hash(configuration);
        let digest = EntryHeader::signing_digest(configuration, header.epoch, &hash);
        let signed = SignedHeader {
            signature: cluster.key().sign(&digest),
            header,
        };
        *entry = Entry::new(configuration, signed, payloads).into();
        previous = hash;
    }
}

/// A message as the corpus holds it: said by the traitor to everybody.
pub(crate) fn raw(message: &[u8]) -> Vec<u8> {
    let mut input = vec![9, 0xff];
    crate::input::block(&mut input, message);
    input
}
