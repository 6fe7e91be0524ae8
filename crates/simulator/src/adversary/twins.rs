//! Two replicas with one key, each of which talks to a part of the network and does nothing wrong by
//! itself (Bano et al., *Twins: BFT Systems Made Robust*, OPODIS 2021).

use std::sync::Arc;

use consensus::{Event, Message, NodeId, Output, Replica, Term, Time, event::Recipient};

use super::{Adversary, Tools};
use crate::{application::Application, clock::Clock, random::mix};

/// How long the network stays divided in one way.
const DIVISION: u64 = 3_000_000;

/// The second replica. Its disk is never slow and never read.
struct Second {
    replica: Replica,
    application: Application,
}

#[derive(Default)]
pub(super) struct Twins {
    second: Option<Box<Second>>,
    seed: u64,
}

impl Twins {
    /// Whether a node talks to the second replica at present.
    fn belongs_to_second(&mut self, tools: &mut Tools<'_>, node: NodeId) -> bool {
        if self.seed == 0 {
            self.seed = tools.random.number() | 1;
        }
        let division = tools.now.0 / DIVISION;
        mix(self.seed ^ mix(division) ^ u64::from(node.0)) & 1 == 1
    }

    fn clock(tools: &Tools<'_>) -> consensus::Now {
        Clock::new(0, 0, 0).now(tools.now)
    }

    fn handle(&mut self, tools: &mut Tools<'_>, event: Event) {
        let now = Self::clock(tools);
        let mut second = self.second.take().unwrap_or_else(|| {
            Box::new(Second {
                replica: Replica::new(tools.setup().clone(), None, now),
                application: Application::new(tools.configuration()),
            })
        });
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            second.replica.handle(now, event);
            while let Some(output) = second.replica.next_output() {
                match output {
                    Output::Write { id, .. } => events.insert(0, Event::Written(id)),
                    Output::Send { to, message, .. } => self.pass(tools, to, &message, true),
                    Output::Apply(entry) => {
                        second.application.execute(&entry);
                        events.insert(0, Event::Applied(second.application.applied()));
                    }
                    Output::Judge(requests) => {
                        events.insert(0, second.application.judge(&requests));
                    }
                    _ => {}
                }
            }
        }
        self.second = Some(second);
    }

    /// Sends a twin's message to the nodes that talk to that twin.
    fn pass(
        &mut self,
        tools: &mut Tools<'_>,
        to: Recipient,
        message: &Arc<Message>,
        of_second: bool,
    ) {
        for node in tools.recipients(to) {
            if self.belongs_to_second(tools, node) == of_second {
                tools.send(node, Arc::clone(message));
            }
        }
    }
}

impl Adversary for Twins {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        self.pass(tools, to, message, false);
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        if !self.belongs_to_second(tools, from) {
            return true;
        }
        let Ok(verified) = tools.verified(from, message) else {
            return false;
        };
        let event = match &*verified {
            Message::Relay(signed) => Event::Relayed {
                from,
                complained: signed.body.complained,
                requests: tools.requests(&signed.body.requests),
            },
            _ => Event::Message(verified),
        };
        self.handle(tools, event);
        false
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, _: Term) {
        let now: Time = Self::clock(tools).monotonic;
        let due = self
            .second
            .as_ref()
            .is_none_or(|second| second.replica.next_deadline().is_some_and(|end| end <= now));
        if due {
            self.handle(tools, Event::Timeout);
        }
    }
}
