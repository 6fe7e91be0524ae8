//! Every invariant is fed what it must refuse, and something like it that it must let pass.

use std::sync::Arc;

use consensus::{
    ClientChecks, Configuration, Domain, Entry, EntryHeader, EntryKind, Evidence, Hash, Index,
    Message, Mode, NodeId, Notice, Point, Record, Request, Signature, Signed, SignedHeader, Term,
    Time, Verification, VoteState,
    certificate::Counted,
    event::Recipient,
    evidence::Offence,
    merkle,
    message::{AppendOutcome, Applied, RaftAppendReply, RaftVote, Vote},
};

use crate::{
    application::{Outcome, Result as PaymentResult},
    durable::{Chain, Durable},
    oracle::{Observation, Oracle},
    payload::{Payment, PaymentSeal},
    random::Random,
    signing::{Keys, Signatures},
};

struct Bench {
    keys: Keys,
    configuration: Arc<Configuration>,
    verification: Verification,
    seal: PaymentSeal,
    oracle: Oracle,
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
/// The only node that is not correct.
const TRAITOR: NodeId = NodeId(3);

impl Bench {
    fn new(mode: Mode) -> Self {
        let keys = Keys::generate(Signatures::StandIn, 4, &mut Random::new(1));
        let domain = Domain {
            network: Hash([4; 32]),
            mode,
        };
        let configuration = Arc::new(
            Configuration::genesis(domain, keys.public.clone(), ClientChecks::default_of(mode))
                .unwrap(),
        );
        let seal = PaymentSeal::new(8);
        let verification = Verification::new(
            Arc::clone(&configuration),
            Arc::clone(&keys.verifier),
            Arc::new(seal),
        );
        Self {
            oracle: Oracle::new(verification.clone(), vec![true, true, true, false]),
            keys,
            configuration,
            verification,
            seal,
        }
    }

    fn state(&self) -> VoteState {
        VoteState::new(&self.configuration)
    }

    /// An entry of term 0 by its leader, with payments that nobody must have asked for.
    fn entry(&self, previous: Point, payments: &[Arc<[u8]>], timestamp: u64) -> Arc<Entry> {
        self.entry_of(Term(0), previous, payments, timestamp)
    }

    fn entry_of(
        &self,
        term: Term,
        previous: Point,
        payments: &[Arc<[u8]>],
        timestamp: u64,
    ) -> Arc<Entry> {
        let author = self.configuration.leader(term);
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: self.configuration.epoch(),
            term,
            index: previous.index.next(),
            author,
            previous: previous.hash,
            body_root: merkle::root(payments),
            count: u32::try_from(payments.len()).unwrap(),
            timestamp,
        };
        let hash = header.hash(&self.configuration);
        let digest = EntryHeader::signing_digest(&self.configuration, header.epoch, &hash);
        let signature = match self.configuration.mode().signs() {
            true => self.keys.signers[author.position()].sign(&digest),
            false => Signature::NONE,
        };
        let signed = SignedHeader { header, signature };
        let mut entries = [Arc::new(Entry::new(
            &self.configuration,
            signed,
            payments.to_vec(),
        ))];
        // Notes the requests, where they are valid.
        let _ = self.verification.entries(&mut entries);
        let [entry] = entries;
        entry
    }

    fn payment(&self, nonce: u64) -> Arc<[u8]> {
        self.seal.seal(&Payment {
            from: 1,
            nonce,
            to: 2,
            amount: 3,
        })
    }

    fn see(&mut self, node: NodeId, observation: Observation<'_>) {
        self.oracle.observe(Time(1), node, observation);
    }

    fn write(&mut self, node: NodeId, records: &[Record]) {
        let vote_state = self.state();
        self.see(
            node,
            Observation::Wrote {
                vote_state: &vote_state,
                records,
            },
        );
    }

    fn write_entry(&mut self, node: NodeId, entry: &Arc<Entry>) {
        self.write(node, &[Record::Entry(Arc::clone(entry))]);
    }

    fn apply(&mut self, node: NodeId, entry: &Entry, digest: u8) {
        let applied = Applied {
            index: entry.index(),
            digest: Hash([digest; 32]),
        };
        self.see(node, Observation::Applied { entry, applied });
    }

    fn notice(&mut self, node: NodeId, notice: &Notice) {
        self.see(node, Observation::Notice(notice));
    }

    fn send(&mut self, node: NodeId, to: Recipient, message: &Message, durable: &Durable) {
        self.see(
            node,
            Observation::Sent {
                to,
                message,
                durable,
            },
        );
    }

    fn vote(&self, node: NodeId, term: Term, accepted: Point) -> Message {
        Message::from(Signed::new(
            &self.configuration,
            node,
            &*self.keys.signers[node.position()],
            Vote {
                epoch: self.configuration.epoch(),
                term,
                accepted: Some(accepted),
                locked: None,
                applied: None,
            },
        ))
    }

    /// The name of the invariant that was broken.
    fn broken(&self) -> Option<&'static str> {
        self.oracle.violation().map(|violation| violation.invariant)
    }

    fn fine(&self) {
        assert_eq!(self.oracle.violation(), None);
    }
}

fn byzantine() -> (Bench, Arc<Entry>, Arc<Entry>) {
    let bench = Bench::new(Mode::Byzantine);
    let opening = bench.configuration.opening();
    let one = bench.entry(opening, &[bench.payment(0)], 1);
    let other = bench.entry(opening, &[bench.payment(1)], 1);
    (bench, one, other)
}

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
fn a_false_accusation_is_reported() {
    for (accused, expected) in [(TRAITOR, None), (B, Some("no correct node is accused"))] {
        let (mut bench, one, other) = byzantine();
        let signed = |point| match bench.vote(accused, Term(0), point) {
            Message::Vote(signed) => signed,
            _ => unreachable!("a vote was made"),
        };
        let evidence = Evidence {
            epoch: bench.configuration.epoch(),
            offence: Offence::ForkedVotes {
                lower: signed(one.point()),
                higher: signed(other.point()),
                compared: (Counted::Accepted, Counted::Accepted),
                headers: Vec::new(),
            },
        };
        bench.notice(A, &Notice::Evidence(Arc::new(evidence)));
        assert_eq!(bench.broken(), expected);
    }
}

#[test]
fn accusations_must_prove_something() {
    let (mut bench, one, _) = byzantine();
    let Message::Vote(vote) = bench.vote(TRAITOR, Term(0), one.point()) else {
        unreachable!("a vote was made");
    };
    let evidence = Evidence {
        epoch: bench.configuration.epoch(),
        offence: Offence::ForkedVotes {
            lower: vote.clone(),
            higher: vote,
            compared: (Counted::Accepted, Counted::Accepted),
            headers: Vec::new(),
        },
    };
    bench.notice(A, &Notice::Evidence(Arc::new(evidence)));
    assert_eq!(bench.broken(), Some("no correct node is accused"));
}

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
