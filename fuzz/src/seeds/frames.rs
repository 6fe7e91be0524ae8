//! Every frame that clients and nodes exchange.

use consensus::{Hash, encoding::Canonical};
use ledger::{Outcome, RejectionCode, TransactionResult};
use node::{
    frames::{
        BlockFrame, CanonicalBytes, ClientFrame, EvidenceSummary, Id, Key, OutcomeFrame,
        ReceiptParts, Refusal, ServerFrame, Submission, TransactionState, encode,
    },
    status::{
        CounterReport, Deposed, DeposedReason, Diverged, KindCount, PeerStatus, StatusReport,
        TimerReport,
    },
};

use super::Seeds;

const ID: Id = Id([5; 32]);

pub(super) fn add(seeds: &mut Seeds) {
    let mut number = 0;
    for frame in client_frames() {
        let bytes = encode(&frame).expect("a frame can be encoded");
        seeds.add("client-frame", format!("{number:02}"), bytes);
        number += 1;
    }
    number = 0;
    for frame in server_frames() {
        let bytes = encode(&frame).expect("a frame can be encoded");
        seeds.add("server-frame", format!("{number:02}"), bytes);
        number += 1;
    }
}

fn client_frames() -> Vec<ClientFrame> {
    let (id, transaction, evidence) = (3, ID, ID);
    vec![
        ClientFrame::Submit(vec![
            Submission {
                id,
                payload: vec![1, 2, 3],
            },
            Submission {
                id: 4,
                payload: Vec::new(),
            },
        ]),
        ClientFrame::Complain {
            id,
            term: 1,
            leader: 2,
            signature: [9; 64],
            payload: vec![1],
        },
        ClientFrame::Watch(vec![ID, Id([6; 32])]),
        ClientFrame::Query {
            id,
            at_least: 7,
            question: vec![6, 0, 0, 0],
        },
        ClientFrame::ReadIndex { id },
        ClientFrame::Status { id },
        ClientFrame::Transaction { id, transaction },
        ClientFrame::Receipt { id, transaction },
        ClientFrame::Block { id, index: 8 },
        ClientFrame::EvidenceList { id },
        ClientFrame::EvidenceGet { id, evidence },
    ]
}

fn outcome() -> OutcomeFrame {
    OutcomeFrame {
        key: Key {
            account: [1; 32],
            nonce: 2,
        },
        transaction: ID,
        result: vec![0; 40],
    }
}

/// What a request would come to whose validity is over.
fn expired() -> Vec<u8> {
    let result = TransactionResult {
        transaction: Hash([1; 32]),
        repeats: None,
        outcome: Outcome::Rejected(RejectionCode::Expired.into()),
    };
    result.to_bytes()
}

fn server_frames() -> Vec<ServerFrame> {
    let (id, term, index) = (3, 4, 5);
    let bytes = || CanonicalBytes(vec![1, 2, 3]);
    let mut frames = vec![
        ServerFrame::Leader {
            term,
            leader: Some(1),
        },
        ServerFrame::Outcomes {
            index,
            term,
            outcomes: vec![outcome(), outcome()],
        },
        ServerFrame::Answer {
            id,
            applied: 1,
            answer: vec![6, 0, 0, 0],
        },
        ServerFrame::ReadIndex { id, index },
        ServerFrame::Status {
            id,
            report: Box::new(status()),
        },
        ServerFrame::Receipt {
            id,
            parts: Some(Box::new(ReceiptParts {
                payload: vec![1],
                position: 0,
                path: vec![ID],
                header: vec![2],
                following: vec![bytes()],
                commit: Some(bytes()),
                acknowledgements: vec![bytes()],
                result: vec![3],
                result_path: vec![ID],
                result_count: 1,
                digest_before: ID,
                results_roots: vec![ID],
                result_votes: vec![bytes()],
            })),
        },
        ServerFrame::Block {
            id,
            block: Some(BlockFrame {
                header: vec![1],
                hash: ID,
                payloads: Some(vec![bytes()]),
            }),
        },
        ServerFrame::EvidenceList {
            id,
            list: vec![EvidenceSummary {
                id: ID,
                offence: "two-grants".to_owned(),
                accused: 2,
                text: "n2 granted two bases".to_owned(),
            }],
        },
        ServerFrame::Evidence {
            id,
            evidence: Some(bytes()),
        },
    ];
    let states = [
        TransactionState::Unknown { applied: 1 },
        TransactionState::Pending,
        TransactionState::Superseded { applied: 2 },
        TransactionState::Applied {
            index,
            term,
            position: 6,
            outcome: outcome(),
        },
    ];
    frames.extend(states.map(|state| ServerFrame::Transaction { id, state }));
    let refusals = [
        Refusal::Busy { retry_after: 10 },
        Refusal::Invalid("no".to_owned()),
        Refusal::NoLeader,
        Refusal::NotLeader(2),
        Refusal::StaleTerm {
            term,
            leader: Some(1),
        },
        Refusal::BadSignature,
        Refusal::TooMany,
        Refusal::Stopping,
        Refusal::NotAdmitted {
            settled: true,
            result: expired(),
        },
    ];
    frames.extend(refusals.map(|refusal| ServerFrame::Refused { id, refusal }));
    frames
}

fn status() -> StatusReport {
    let kinds = || {
        vec![KindCount {
            kind: "Vote".to_owned(),
            count: 1,
            bytes: 2,
        }]
    };
    StatusReport {
        name: "n0".to_owned(),
        node: 0,
        mode: "byzantine".to_owned(),
        role: "leader".to_owned(),
        term: 1,
        leader: Some(0),
        commit: 2,
        commit_hash: [1; 32],
        lag: 0,
        head: 3,
        applied: 2,
        applied_digest: [2; 32],
        evidence: 0,
        timer_level: 1,
        suspicion: Some("silent".to_owned()),
        deposed: Some(Deposed {
            term: 0,
            leader: 0,
            reasons: vec![DeposedReason {
                node: 1,
                reason: "starved".to_owned(),
                account: Some(ID),
                followed: true,
            }],
        }),
        pending: 4,
        behaviour: None,
        diverged: Some(Diverged {
            index: 4,
            agreed: Some(3),
        }),
        peers: vec![PeerStatus {
            name: "n1".to_owned(),
            node: 1,
            up: false,
            problem: Some("away".to_owned()),
            fault: None,
            refused: 1,
            asked: 2,
            answered: 1,
            lone_term: Some(7),
            clock_ahead: Some(3_600_000),
        }],
        timers: TimerReport {
            heartbeat: 1,
            silence_shortest: 2,
            silence_longest: 3,
            starvation: 4,
            term: 5,
            longest: 6,
        },
        counters: CounterReport {
            sent: kinds(),
            received: kinds(),
            ..CounterReport::default()
        },
    }
}
