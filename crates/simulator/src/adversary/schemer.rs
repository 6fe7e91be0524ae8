//! Does at once what makes a leader change hard: equivocates, deserts, shows its votes to few nodes,
//! and lies in its reports about what it did.

use std::sync::Arc;

use consensus::{Message, NodeId, event::Recipient};

use super::{Adversary, Tools, equivocator::Equivocator, report_liar::ReportLiar};
use crate::random::Random;

pub(super) struct Schemer {
    equivocator: Equivocator,
    liar: ReportLiar,
    /// Of a thousand votes, so many reach a node.
    openness: u32,
}

impl Schemer {
    pub(super) fn new(random: &mut Random) -> Self {
        Self {
            equivocator: Equivocator::deserter(random),
            liar: ReportLiar::default(),
            openness: *random.pick(&[150, 500, 1_000]).expect("three choices"),
        }
    }
}

impl Adversary for Schemer {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::Report(_) | Message::RequestVote(_) => self.liar.sends(tools, to, message),
            Message::Vote(_) => {
                for node in tools.recipients(to) {
                    if tools.random.chance(self.openness) {
                        self.equivocator
                            .sends(tools, Recipient::Node(node), message);
                    }
                }
            }
            _ => self.equivocator.sends(tools, to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        self.equivocator.receives(tools, from, message)
    }
}
