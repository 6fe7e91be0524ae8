//! A leader signs two branches and makes a certificate for each: of one with the votes of three
//! nodes, of the other with those of two, its own repeated.

use std::sync::Arc;

use consensus::{
    Entry, EntryKind, Message, NodeId, Signed, Term, Time,
    certificate::{Counted, QuorumCertificate},
    event::Recipient,
    message::{AppendEntries, Heartbeat, Vote},
};

use super::{
    Script,
    faultless::settled,
    script::{Rules, fork_of, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "repeated-signer",
    rule: "P2.7",
    summary: "a commit certificate for a second branch that holds one signer twice",
    published: "",
    play,
}];

/// Leads term 0, a traitor.
const LEADER: NodeId = NodeId(0);
/// Is shown the second branch.
const VICTIM: NodeId = NodeId(3);
/// The term record is committed everywhere.
const ASKED: Time = Time::from_millis(300);

#[derive(Default)]
struct Repeater {
    /// The second branch.
    second: Option<Arc<Entry>>,
}

impl Repeater {
    fn second_append(&mut self, tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let mut entries = append.entries.clone();
        for entry in &mut entries {
            if entry.header().kind == EntryKind::Transactions {
                let second = self.second.get_or_insert_with(|| fork_of(tools, entry));
                *entry = Arc::clone(second);
            }
        }
        AppendEntries {
            entries,
            ..append.clone()
        }
    }

    /// The victim's vote, and twice the traitor's own.
    fn certificate(tools: &Tools<'_>, entry: &Entry, vote: &Signed<Vote>) -> QuorumCertificate {
        let own = tools.signed(Vote {
            applied: None,
            ..vote.body.clone()
        });
        QuorumCertificate {
            counted: Counted::Accepted,
            header: entry.header().clone(),
            following: Vec::new(),
            votes: vec![own.clone(), own, vote.clone()],
        }
    }
}

impl Adversary for Repeater {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let Message::AppendEntries(signed) = &**message else {
            return tools.pass(to, message);
        };
        let second = self.second_append(tools, &signed.body);
        let second = tools.sign(second);
        for node in tools.recipients(to) {
            let shown = if node == VICTIM { &second } else { message };
            tools.send(node, Arc::clone(shown));
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        if let (Message::Vote(vote), Some(second)) = (message, &self.second)
            && from == VICTIM
            && vote.body.accepted == Some(second.point())
        {
            let heartbeat = tools.sign(Heartbeat {
                epoch: vote.body.epoch,
                term: Term::ZERO,
                head: second.point(),
                commit: Some(Self::certificate(tools, second, vote)),
                election: None,
            });
            tools.send(VICTIM, heartbeat);
        }
        true
    }
}

fn play(trace: Trace) -> Result<String, String> {
    // The victim's vote reaches the traitor only, and the victim hears none: no evidence yet.
    let rules = Rules(|now, from, to, message: &Message| {
        now < ASKED
            || now >= Time::from_millis(600)
            || !matches!(message, Message::Vote(_))
            || (from == VICTIM && to == LEADER)
            || (from != VICTIM && to != VICTIM)
    });
    let mut simulation = stage(
        (LEADER, Box::new(Repeater::default())),
        Box::new(rules),
        trace,
    );
    simulation.run_until(ASKED);
    let key = simulation.ask(LEADER, 0, 1, 10);
    simulation.run_until(Time::from_millis(10_000));
    settled(&mut simulation)?;
    if simulation.outcome_at(VICTIM, &key).is_none() {
        return Err(format!("{VICTIM} lacks what the others committed"));
    }
    if simulation.world.refused == 0 {
        return Err("the script failed: no certificate was refused".to_owned());
    }
    Ok("no fork: a signer counts once".to_owned())
}
