//! The invariants of Raft.

use consensus::{
    Message, Mode, NodeId, Notice, Point, Signature, Signed, Term,
    event::Recipient,
    message::{AppendOutcome, RaftAppendReply, RaftVote},
};

use crate::durable::Durable;

use super::bench::{A, B, Bench};

fn raft_elected(term: u64, leader: NodeId, base: Point) -> Notice {
    Notice::Elected {
        term: Term(term),
        leader,
        base,
    }
}

#[test]
fn two_raft_leaders_are_reported() {
    let mut bench = Bench::new(Mode::Raft);
    let opening = bench.configuration.opening();
    bench.notice(A, &raft_elected(1, A, opening));
    bench.notice(B, &raft_elected(1, A, opening));
    bench.fine();
    bench.notice(B, &raft_elected(1, B, opening));
    assert_eq!(bench.broken(), Some("election safety"));
}

#[test]
fn a_raft_leader_that_lacks_a_commit_is_reported() {
    let mut bench = Bench::new(Mode::Raft);
    let opening = bench.configuration.opening();
    let one = bench.entry(opening, &[bench.payment(0)], 1);
    bench.write_entry(A, &one);
    bench.apply(A, &one, 1);
    bench.notice(A, &raft_elected(1, A, opening));
    bench.fine();
    bench.notice(B, &raft_elected(2, B, opening));
    assert_eq!(bench.broken(), Some("leader completeness"));
}

#[test]
fn a_raft_leader_that_rewrites_its_log_is_reported() {
    let mut bench = Bench::new(Mode::Raft);
    let opening = bench.configuration.opening();
    let one = bench.entry(opening, &[bench.payment(0)], 1);
    let other = bench.entry_of(Term(1), opening, &[bench.payment(1)], 1);
    bench.write_entry(A, &one);
    bench.write_entry(A, &other);
    bench.fine();
    bench.notice(A, &raft_elected(1, A, opening));
    bench.write_entry(A, &one);
    assert_eq!(bench.broken(), Some("leader append-only"));
}

#[test]
fn raft_logs_that_do_not_match_are_reported() {
    let mut bench = Bench::new(Mode::Raft);
    let opening = bench.configuration.opening();
    let one = bench.entry(opening, &[bench.payment(0)], 1);
    let other = bench.entry(opening, &[bench.payment(1)], 1);
    bench.write_entry(A, &one);
    bench.write_entry(B, &other);
    assert_eq!(bench.broken(), Some("log matching"));
}

#[test]
fn raft_votes_and_acknowledgements_wait_for_the_disk() {
    let raft = || Bench::new(Mode::Raft);
    let vote = Message::from(Signed {
        signer: A,
        signature: Signature::NONE,
        body: RaftVote {
            epoch: raft().configuration.epoch(),
            term: Term(3),
            pre_vote: false,
            granted: true,
        },
    });
    let mut bench = raft();
    let mut durable = Durable::default();
    let mut state = bench.state();
    state.term = Term(3);
    state.voted_for = Some(B);
    durable.write(&state, &[]);
    bench.send(A, Recipient::Node(B), &vote, &durable);
    bench.fine();
    bench.send(A, Recipient::Node(NodeId(2)), &vote, &durable);
    assert!(bench.broken().is_some(), "two votes in one term");

    let mut bench = raft();
    let one = bench.entry(bench.configuration.opening(), &[], 1);
    let reply = Message::from(Signed {
        signer: A,
        signature: Signature::NONE,
        body: RaftAppendReply {
            epoch: bench.configuration.epoch(),
            term: Term(3),
            round: 0,
            outcome: AppendOutcome::Matched(one.point()),
        },
    });
    bench.send(A, Recipient::Node(B), &reply, &durable);
    assert_eq!(bench.broken(), Some("a vote never precedes its write"));
}
