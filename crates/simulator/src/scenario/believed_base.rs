//! The leader of a new term asks everybody for a base that leaves out what is committed.

use std::sync::Arc;

use consensus::{
    Message, NodeId, Signature, Term, Time,
    certificate::ElectionCertificate,
    event::Recipient,
    message::{Proof, RequestVote},
};

use super::{
    Script,
    faultless::settled,
    script::{Rules, stage},
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "believed-base",
    rule: "P4.7",
    summary: "a new leader asks everybody for a base that does not follow from its reports",
    published: "",
    play,
}];

/// Leads term 0; cut off for a while.
const FIRST: NodeId = NodeId(0);
/// Leads term 1.
const TRAITOR: NodeId = NodeId(1);

const COMMITTED: Time = Time::from_millis(300);
const RECONNECTED: Time = Time::from_millis(2_000);
const MENDED: Time = Time::from_millis(15_000);

#[derive(Default)]
struct Pretender {
    asked: Option<RequestVote>,
    grants: Vec<(NodeId, Signature)>,
}

impl Adversary for Pretender {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        let Message::RequestVote(signed) = &**message else {
            return tools.pass(to, message);
        };
        if signed.body.term != Term(1) {
            return tools.pass(to, message);
        }
        let asked = self.asked.get_or_insert_with(|| RequestVote {
            base: tools.configuration().opening(),
            ..signed.body.clone()
        });
        if self.grants.is_empty() {
            let own = tools.signed(asked.grant());
            self.grants.push((own.signer, own.signature));
        }
        let asked = tools.sign(asked.clone());
        tools.pass(to, &asked);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        let (Message::VoteGranted(signed), Some(asked)) = (message, &self.asked) else {
            return true;
        };
        let known = self.grants.iter().any(|(node, _)| *node == signed.signer);
        if signed.body == asked.grant() && !known {
            self.grants.push((signed.signer, signed.signature));
            let proof = tools.sign(Proof {
                epoch: signed.body.epoch,
                election: Some(ElectionCertificate {
                    grant: signed.body.clone(),
                    grants: self.grants.clone(),
                }),
                leave: None,
                commit: None,
            });
            if self.grants.len() >= tools.configuration().sizes().quorum() {
                tools.pass(Recipient::Others, &proof);
            }
        }
        true
    }
}

fn play(trace: Trace) -> Result<String, String> {
    let rules = Rules(|now, from, to, _: &Message| {
        !(COMMITTED..RECONNECTED).contains(&now) || (from != FIRST && to != FIRST)
    });
    let traitor = (
        TRAITOR,
        Box::new(Pretender::default()) as Box<dyn Adversary>,
    );
    let mut simulation = stage(traitor, Box::new(rules), trace);
    let key = simulation.ask(FIRST, 0, 1, 10);
    simulation.run_until(COMMITTED);
    if simulation.outcome_at(NodeId(2), &key).is_none() {
        return Err("the script failed: the request should be committed".to_owned());
    }
    simulation.run_until(MENDED);
    settled(&mut simulation)?;
    if simulation.world.leader_changes() == 0 {
        return Err("the script failed: n2 should have been elected".to_owned());
    }
    Ok("no fork: nobody grants a base that does not follow from the reports".to_owned())
}
