//! A traitor keeps the Leaves of a term that was left rightly, and shows them again as Leaves of
//! every later term.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Message, NodeId, Signed, Term, Time,
    certificate::LeaveCertificate,
    message::{Leave, Proof, Reason},
};

use super::{
    Script,
    faultless::{Faultless, settled},
    script::Rules,
};
use crate::{
    adversary::{Adversary, Tools},
    trace::Trace,
};

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "replayed-suspicion",
    rule: "P2.1, P4.3",
    summary: "the Leaves that ended one term are shown again as Leaves of every later one",
    published: "",
    play: replay,
}];

const FIRST_LEADER: NodeId = NodeId(0);
const TRAITOR: NodeId = NodeId(3);
/// When the first leader is not heard.
const UNHEARD: (Time, Time) = (Time::from_millis(500), Time::from_millis(3_000));
const LONG: Time = Time::from_millis(20_000);
/// The first leader goes; the one after it did nothing wrong.
const RIGHTLY_DEPOSED: u64 = 1;

#[derive(Default)]
struct Replays(BTreeMap<NodeId, Signed<Leave>>);

impl Adversary for Replays {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        if let Message::Leave(signed) = message
            && signed.body.term == Term::ZERO
        {
            self.0.insert(signed.signer, signed.clone());
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        let others = tools.configuration().sizes().quorum() - 1;
        if term == Term::ZERO || self.0.len() < others {
            return;
        }
        let epoch = tools.configuration().epoch();
        let again = self.0.values().take(others).map(|signed| Signed {
            body: Leave {
                term,
                ..signed.body.clone()
            },
            ..signed.clone()
        });
        let mut leaves: Vec<_> = again.collect();
        leaves.push(tools.signed(Leave {
            epoch,
            term,
            reason: Reason::Silent,
            followed: false,
        }));
        let proof = tools.sign(Proof {
            epoch,
            election: None,
            leave: Some(LeaveCertificate {
                epoch,
                term,
                leaves,
            }),
            commit: None,
        });
        for node in tools.peers() {
            tools.send(node, Arc::clone(&proof));
        }
    }
}

fn replay(trace: Trace) -> Result<String, String> {
    let rules = Rules(|now, from: NodeId, _, _: &Message| {
        from != FIRST_LEADER || !(UNHEARD.0..UNHEARD.1).contains(&now)
    });
    let mut simulation = Faultless {
        rate: 10,
        traitors: vec![(TRAITOR, Box::new(Replays::default()))],
        director: Some(Box::new(rules)),
        ..Faultless::FOUR
    }
    .start(0, trace);
    simulation.run_until(LONG);
    let changes = simulation.world.leader_changes();
    if simulation.world.refused == 0 && changes <= RIGHTLY_DEPOSED {
        return Err("the script failed: nothing was replayed".to_owned());
    }
    settled(&mut simulation)?;
    if changes > RIGHTLY_DEPOSED {
        return Err(format!(
            "{changes} leaders were deposed, and only {RIGHTLY_DEPOSED} was suspected by anybody"
        ));
    }
    Ok(format!(
        "{} replays refused; the second leader stays",
        simulation.world.refused
    ))
}
