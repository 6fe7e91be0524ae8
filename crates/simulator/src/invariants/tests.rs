//! Every invariant is fed what it must refuse, and something like it that it must let pass.

mod accusations;
mod bench;
mod raft;

use std::sync::Arc;

use consensus::{Index, NodeId, Notice, Record, Request, Term, event::Recipient};

use crate::{
    application::{Outcome, Result as PaymentResult},
    durable::{Chain, Durable},
    oracle::Observation,
    payload::{Payment, PaymentSeal},
};

use bench::{A, B, TRAITOR, byzantine};

#[test]
fn a_fork_is_reported() {
    let (mut bench, one, other) = byzantine();
    bench.write_entry(A, &one);
    bench.apply(A, &one, 1);
    bench.write_entry(B, &one);
    bench.apply(B, &one, 1);
    bench.fine();
    // What a Byzantine node does is its own affair.
    bench.apply(TRAITOR, &other, 1);
    bench.fine();
    bench.apply(NodeId(2), &other, 1);
    assert_eq!(bench.broken(), Some("agreement"));
}

#[test]
fn a_commit_point_on_another_branch_is_reported() {
    let (mut bench, one, other) = byzantine();
    bench.apply(A, &one, 1);
    bench.notice(
        B,
        &Notice::Committed {
            point: other.point(),
        },
    );
    assert_eq!(bench.broken(), Some("agreement"));
}

#[test]
fn replacing_or_dropping_what_is_committed_is_reported() {
    for replaces in [true, false] {
        let (mut bench, one, other) = byzantine();
        bench.write_entry(A, &other);
        bench.write_entry(A, &one);
        bench.apply(A, &one, 1);
        bench.notice(A, &Notice::Committed { point: one.point() });
        bench.fine();
        if replaces {
            bench.write_entry(A, &other);
        } else {
            bench.write(A, &[Record::Truncate(Index(0))]);
        }
        assert_eq!(bench.broken(), Some("permanence"));
    }
}

#[test]
fn executing_out_of_order_or_twice_is_reported() {
    let (mut bench, one, _) = byzantine();
    bench.apply(A, &one, 1);
    bench.apply(A, &one, 1);
    assert_eq!(bench.broken(), Some("permanence"));
}

#[test]
fn a_broken_chain_is_reported() {
    let (mut bench, one, other) = byzantine();
    let next = bench.entry(one.point(), &[bench.payment(2)], 2);
    bench.write_entry(A, &one);
    bench.write_entry(A, &next);
    bench.fine();
    bench.write_entry(B, &other);
    bench.write_entry(B, &next);
    assert_eq!(bench.broken(), Some("hash chain"));
}

#[test]
fn a_vote_before_its_write_is_reported() {
    let (mut bench, one, _) = byzantine();
    bench.write_entry(A, &one);
    let vote = bench.vote(A, Term(0), one.point());
    let mut durable = Durable::default();
    let mut state = bench.state();
    state.pair_point = one.point();
    durable.write(&state, &[Record::Entry(Arc::clone(&one))]);
    bench.send(A, Recipient::Others, &vote, &durable);
    bench.fine();
    bench.send(A, Recipient::Others, &vote, &Durable::default());
    assert_eq!(bench.broken(), Some("a vote never precedes its write"));
}

#[test]
fn votes_for_two_branches_are_reported() {
    let (mut bench, one, other) = byzantine();
    for (entry, expected) in [(one, None), (other, Some("steady promises"))] {
        bench.write_entry(A, &entry);
        let mut durable = Durable::default();
        let mut state = bench.state();
        state.pair_point = entry.point();
        durable.write(&state, &[Record::Entry(Arc::clone(&entry))]);
        let vote = bench.vote(A, Term(0), entry.point());
        bench.send(A, Recipient::Others, &vote, &durable);
        assert_eq!(bench.broken(), expected);
    }
}

#[test]
fn different_results_are_reported() {
    let (mut bench, one, _) = byzantine();
    bench.apply(A, &one, 1);
    bench.apply(B, &one, 2);
    assert_eq!(bench.broken(), Some("equal results"));
}

#[test]
fn a_forged_payment_is_reported() {
    let (mut bench, ..) = byzantine();
    let forged = PaymentSeal::new(9).seal(&Payment {
        from: 1,
        nonce: 0,
        to: 2,
        amount: 3,
    });
    let entry = bench.entry(bench.configuration.opening(), &[forged], 1);
    bench.apply(A, &entry, 1);
    assert_eq!(bench.broken(), Some("authenticity"));
}

#[test]
fn an_untrue_answer_is_reported() {
    let (mut bench, one, _) = byzantine();
    let request = Request::check(bench.payment(0), &bench.seal).unwrap();
    bench.apply(A, &one, 1);
    let mut answer = |index| {
        let outcome = Outcome {
            index: Index(index),
            result: PaymentResult::Paid,
        };
        let key = request.key();
        bench.see(A, Observation::Answered { key, outcome });
        bench.broken()
    };
    assert_eq!(answer(1), None);
    assert_eq!(answer(2), Some("true answers"));
}

#[test]
fn two_bases_or_a_wrong_leader_are_reported() {
    let elected = |term: u64, leader: u16, base| Notice::Elected {
        term: Term(term),
        leader: NodeId(leader),
        base,
    };
    let (mut bench, one, _) = byzantine();
    let opening = bench.configuration.opening();
    bench.notice(A, &elected(1, 1, opening));
    bench.notice(B, &elected(1, 1, opening));
    bench.fine();
    bench.notice(B, &elected(1, 1, one.point()));
    assert_eq!(bench.broken(), Some("one base per term"));
    let (mut bench, ..) = byzantine();
    bench.notice(A, &elected(1, 2, opening));
    assert_eq!(bench.broken(), Some("one base per term"));
}

#[test]
fn a_base_that_leaves_out_a_commit_is_reported() {
    let (mut bench, one, other) = byzantine();
    let elected = |term: u64, base| Notice::Elected {
        term: Term(term),
        leader: NodeId(u16::try_from(term).unwrap()),
        base,
    };
    bench.write_entry(A, &one);
    bench.write_entry(B, &other);
    bench.apply(A, &one, 1);
    bench.notice(A, &elected(1, one.point()));
    bench.fine();
    bench.notice(B, &elected(2, other.point()));
    assert_eq!(bench.broken(), Some("base keeps what is committed"));
}

#[test]
fn a_restart_resets_what_a_node_may_have_forgotten() {
    let (mut bench, one, other) = byzantine();
    bench.write_entry(A, &other);
    let chain = Chain::default();
    bench.see(
        A,
        Observation::Restarted {
            restored: None,
            chain: &chain,
        },
    );
    bench.write_entry(A, &one);
    bench.apply(A, &one, 1);
    bench.fine();
}
