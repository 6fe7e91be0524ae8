//! A leader signs two branches, an accomplice helps, and the next leader has to choose (P4.8).
//!
//! n0 leads term 0 and signs two entries for one index: p, which it shows to most nodes, and p′,
//! which it shows to the others. Votes for p make a commit certificate that one node alone knows.
//! Then the leader changes: traitors report that they accepted p′, the reports that favour p′ reach
//! n1 first, and p′ has the lower hash. n1 must keep p all the same, or the one node forks.

mod traitor;

use consensus::{Message, NodeId, Term, Time};

use self::traitor::{Shared, Splitter};
use super::{
    Script,
    faultless::settled,
    script::{Rules, stage_of},
};
use crate::{adversary::Adversary, simulation::Simulation, trace::Trace};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "split-4",
        rule: "P4.8 step 3",
        summary: "two branches at n = 4; the certificate of one surfaces after the next election",
        published: "",
        play: |trace| play(&FOUR, trace),
    },
    Script {
        id: "split-6",
        rule: "P4.8 step 3",
        summary: "two branches at n = 6, both reported by more than f nodes",
        published: "",
        play: |trace| play(&SIX, trace),
    },
    Script {
        id: "split-7",
        rule: "P4.8 step 3",
        summary: "two branches at n = 7 and two traitors; one node committed in one round",
        published: "",
        play: |trace| play(&SEVEN, trace),
    },
    Script {
        id: "split-7-locks",
        rule: "P4.8, L",
        summary: "as split-7, but the node committed by locks, and the other branch has more reports",
        published: "",
        play: |trace| play(&SEVEN_LOCKS, trace),
    },
    Script {
        id: "split-7-quorum",
        rule: "P2.7, P3.6",
        summary: "as split-7, but one node has Q votes only, and must not commit in one round",
        published: "",
        play: |trace| play(&SEVEN_QUORUM, trace),
    },
];

/// Leads term 0, a traitor.
const LEADER: NodeId = NodeId(0);
/// Leads term 1, correct.
const NEXT: NodeId = NodeId(1);

/// The term record is committed everywhere, and the request that is put into both branches is made.
const ASKED: Time = Time::from_millis(300);
/// Votes had time to arrive where they are to arrive.
const VOTED: Time = Time::from_millis(450);
/// From the first report on, so much later the reports arrive that were held back.
const HELD_BACK: Time = Time::from_millis(200);
/// n1 was elected, and went on; what one traitor knows is told.
const RELEASED: Time = Time::from_millis(10_000);
/// The network is mended.
const MENDED: Time = Time::from_millis(12_000);

/// Who is shown what.
#[derive(Debug)]
struct Plan {
    nodes: usize,
    traitors: &'static [NodeId],
    /// Correct nodes that are shown p′; the others are shown p.
    second: &'static [NodeId],
    /// The correct node that has, or gets, the certificate for p.
    witness: NodeId,
    /// Whether the witness gets it from n0 after the election; else it hears the votes itself, and
    /// is cut off.
    late: bool,
    /// Whether the witness commits p at all.
    commits: bool,
    /// Whether those who accepted p hear each other's votes, and lock.
    locks: bool,
    /// Whose reports reach n1 at once.
    early: &'static [NodeId],
}

const FOUR: Plan = Plan {
    nodes: 4,
    traitors: &[LEADER],
    second: &[NodeId(3)],
    witness: NodeId(2),
    late: true,
    commits: true,
    locks: false,
    early: &[LEADER, NodeId(3)],
};

const SIX: Plan = Plan {
    nodes: 6,
    second: &[NodeId(4), NodeId(5)],
    witness: NodeId(3),
    early: &[LEADER, NodeId(4), NodeId(5)],
    ..FOUR
};

const SEVEN: Plan = Plan {
    nodes: 7,
    traitors: &[LEADER, NodeId(6)],
    second: &[NodeId(5)],
    witness: NodeId(4),
    late: false,
    commits: true,
    locks: false,
    early: &[LEADER, NodeId(6), NodeId(5), NodeId(2)],
};

const SEVEN_LOCKS: Plan = Plan {
    second: &[NodeId(4), NodeId(5)],
    witness: NodeId(3),
    locks: true,
    early: &[NodeId(6), NodeId(4), NodeId(5), NodeId(2)],
    ..SEVEN
};

const SEVEN_QUORUM: Plan = Plan {
    locks: false,
    commits: false,
    ..SEVEN_LOCKS
};

impl Plan {
    fn is_traitor(&self, node: NodeId) -> bool {
        self.traitors.contains(&node)
    }

    /// Whether a vote of term 0 arrives, from the split on.
    fn hears(&self, to: NodeId, locked: bool) -> bool {
        match (self.late, self.locks) {
            (true, _) => to == LEADER,
            (false, true) if !locked => self.is_traitor(to) || !self.second.contains(&to),
            (false, _) => to == self.witness,
        }
    }

    /// What reaches the witness, and what it says that arrives.
    fn reaches_witness(&self, now: Time, from: NodeId, message: &Message) -> bool {
        let tells = matches!(
            message,
            Message::Suspect(_) | Message::Leave(_) | Message::Report(_) | Message::Accuse(_)
        );
        if !self.late {
            return false;
        }
        let certificate = now >= RELEASED
            && from == LEADER
            && matches!(message, Message::Heartbeat(signed) if signed.body.term == Term::ZERO);
        certificate || tells || (from == self.witness && matches!(message, Message::FetchReply(_)))
    }

    /// Whether a message arrives; `reported` is when the first report for n1 was sent.
    fn permits(
        &self,
        reported: &mut Option<Time>,
        now: Time,
        (from, to): (NodeId, NodeId),
        message: &Message,
    ) -> bool {
        if now < ASKED || now >= MENDED {
            return true;
        }
        if let Message::Vote(vote) = message
            && vote.body.term == Term::ZERO
        {
            let locked = vote.body.locked.is_some_and(|point| point.index.0 > 1);
            return self.hears(to, locked);
        }
        if now >= VOTED
            && (from == self.witness || to == self.witness)
            && !self.reaches_witness(now, from, message)
        {
            return false;
        }
        match message {
            // n0 alone has the certificate.
            Message::Heartbeat(_) | Message::Proof(_) if self.late && from == LEADER => {
                now >= RELEASED
            }
            Message::Report(report) if to == NEXT && report.body.term == Term(1) => {
                let first = *reported.get_or_insert(now);
                self.early.contains(&from) || now >= first.after(HELD_BACK)
            }
            _ => true,
        }
    }
}

fn stage(plan: &'static Plan, trace: Trace) -> Simulation {
    let shared = Shared::default();
    let traitors = plan
        .traitors
        .iter()
        .map(|&node| {
            let splitter = Splitter::new(plan.second, plan.witness, plan.late, shared.clone());
            (node, Box::new(splitter) as Box<dyn Adversary>)
        })
        .collect();
    let mut reported = None;
    let rules = Rules(move |now, from, to, message: &Message| {
        plan.permits(&mut reported, now, (from, to), message)
    });
    stage_of(plan.nodes, traitors, Box::new(rules), trace)
}

fn play(plan: &'static Plan, trace: Trace) -> Result<String, String> {
    let mut simulation = stage(plan, trace);
    simulation.run_until(ASKED);
    let key = simulation.ask(LEADER, 0, 1, 10);
    simulation.run_until(VOTED);
    let committed = simulation.outcome_at(plan.witness, &key).is_some();
    simulation.run_until(MENDED);
    if let Some(violation) = simulation.violation() {
        return Err(violation.to_string());
    }
    if simulation.world.leader_changes() == 0 {
        return Err("the script failed: n1 should have been elected".to_owned());
    }
    let has_certificate = match plan.late {
        true => simulation.outcome_at(plan.witness, &key).is_some(),
        false => committed,
    };
    if has_certificate != plan.commits {
        let should = if plan.commits { "should" } else { "should not" };
        return Err(format!("{} {should} have committed", plan.witness));
    }
    settled(&mut simulation)?;
    let outcomes: Vec<_> = simulation
        .hosts
        .iter()
        .filter(|host| !host.is_byzantine())
        .map(|host| simulation.outcome_at(host.id(), &key))
        .collect();
    if outcomes[0].is_none() || outcomes.iter().any(|outcome| *outcome != outcomes[0]) {
        return Err("the outcomes differ".to_owned());
    }
    Ok(match plan.commits {
        true => "no fork: n1 keeps what one node alone knows to be committed".to_owned(),
        false => "no fork: nobody commits on Q accepted votes".to_owned(),
    })
}
