//! Suspicion that is added up or dripped away (§ 13).

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Hash, Message, NodeId, Signed, Term, Time,
    certificate::{Counted, QuorumCertificate},
    event::Recipient,
    message::{Leave, Proof, Reason, Suspect, Vote},
};

use super::{
    Script,
    checks::{Count, all_hold, ask_often, nobody_left, pass},
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[
    Script {
        id: "suspicions-added-up",
        rule: "P4.2, P4.3",
        summary: "suspicions that two nodes had at different moments are kept and played back together",
        published: "",
        play: added_up,
    },
    Script {
        id: "dripped-certificates",
        rule: "P4.2",
        summary: "a stalling leader ends a late node's suspicion again and again with certificates one step newer",
        published: "",
        play: dripped,
    },
];

/// Keeps the suspicions of others, and plays them back beside its own and its Leave.
#[derive(Default)]
struct Collector {
    kept: Vec<Arc<Message>>,
    suspecting: [Count; 2],
}

impl Adversary for Collector {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Suspect(signed) = message {
            self.kept.push(Arc::new(message.clone()));
            if let Some(count) = self.suspecting.get(signed.signer.position() - 1) {
                count.add();
            }
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let configuration = tools.configuration();
        let own = tools.sign(Suspect {
            epoch: configuration.epoch(),
            term,
            commit: configuration.opening(),
            uncommitted: None,
            reason: Reason::Silent,
        });
        tools.pass(Recipient::Others, &own);
        let leave = tools.sign(Leave {
            epoch: configuration.epoch(),
            term,
            reason: Reason::Silent,
            followed: false,
        });
        tools.pass(Recipient::Others, &leave);
        for message in &self.kept {
            tools.pass(Recipient::Others, message);
        }
    }
}

fn added_up(trace: Trace) -> Result<String, String> {
    let collector = Collector::default();
    let [first, second] = collector.suspecting.clone();
    // For a moment n1 does not hear the leader, and later n2.
    let rules = |now: Time, from: NodeId, to: NodeId, _: &Message| {
        let millis = now.0 / 1_000;
        let deaf = match to {
            NodeId(1) => 1_000..1_800,
            NodeId(2) => 4_000..4_800,
            _ => 0..0,
        };
        from != NodeId(0) || !deaf.contains(&millis)
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(3), Box::new(collector))],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(30, trace);
    pass(&mut simulation, 8_000);
    first.happened("suspicion of n1")?;
    second.happened("suspicion of n2")?;
    nobody_left(&simulation, Term::ZERO)?;
    let requests = ask_often(&mut simulation, NodeId(1), 5, 50);
    pass(&mut simulation, 50);
    all_hold(&simulation, &requests)?;
    settled(&mut simulation)?;
    Ok("two suspicions of different moments and the traitor's own depose nobody".to_owned())
}

/// Leads term 0, stops making entries, and shows n1 one certificate after the other.
#[derive(Default)]
struct Dripper {
    votes: BTreeMap<Hash, Vec<Signed<Vote>>>,
    certificates: Vec<QuorumCertificate>,
    headers: BTreeMap<Hash, consensus::EntryHeader>,
    dripped: Count,
}

const STALLS: Time = Time::from_millis(2_000);
const LATE: NodeId = NodeId(1);

impl Dripper {
    fn count(&mut self, tools: &Tools<'_>, vote: Signed<Vote>) {
        let Some(point) = vote.body.accepted else {
            return;
        };
        let votes = self.votes.entry(point.hash).or_default();
        if votes.iter().all(|one| one.signer != vote.signer) {
            votes.push(vote);
        }
        let quorum = tools.configuration().sizes().quorum();
        if let Some(header) = self.headers.get(&point.hash)
            && votes.len() == quorum
        {
            self.certificates.push(QuorumCertificate {
                counted: Counted::Accepted,
                header: header.clone(),
                following: Vec::new(),
                votes: votes.clone(),
            });
        }
    }
}

impl Adversary for Dripper {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let stalls = tools.now >= STALLS;
        match &**message {
            Message::AppendEntries(signed) if !stalls => {
                for entry in &signed.body.entries {
                    self.headers
                        .insert(entry.point().hash, entry.header().clone());
                }
                tools.pass(to, message);
            }
            Message::Vote(signed) => {
                self.count(tools, signed.clone());
                tools.pass(to, message);
            }
            Message::Heartbeat(_) | Message::AppendEntries(_) | Message::Proof(_) => {}
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Vote(signed) = message {
            self.count(tools, signed.clone());
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        if tools.now < STALLS || self.certificates.is_empty() {
            return;
        }
        let proof = tools.sign(Proof {
            epoch: tools.configuration().epoch(),
            election: None,
            leave: None,
            commit: Some(self.certificates.remove(0)),
        });
        tools.send(LATE, proof);
        self.dripped.add();
    }
}

fn dripped(trace: Trace) -> Result<String, String> {
    let dripper = Dripper::default();
    let drops = dripper.dripped.clone();
    // n1 gets the entries and no vote of others before the leader stalls.
    let rules = |now: Time, from: NodeId, to: NodeId, message: &Message| {
        now >= STALLS
            || to != LATE
            || (from == NodeId(0) && matches!(message, Message::AppendEntries(_)))
    };
    let mut simulation = Faultless {
        traitors: vec![(NodeId(0), Box::new(dripper))],
        director: Some(Box::new(Rules(rules))),
        ..Faultless::FOUR
    }
    .start(31, trace);
    let mut requests = ask_often(&mut simulation, NodeId(2), 40, 20);
    simulation.run_until(STALLS);
    requests.extend(ask_often(&mut simulation, NodeId(2), 1, 10));
    pass(&mut simulation, 4_000);
    if simulation.world.leader_changes() == 0 {
        return Err("the stalling leader is still there after four seconds".to_owned());
    }
    settled(&mut simulation)?;
    all_hold(&simulation, &requests)?;
    Ok(format!(
        "{} dripped certificates do not keep a stalling leader",
        drops.happened("dripped certificate")?
    ))
}
