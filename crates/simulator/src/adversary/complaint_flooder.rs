//! Hands on complaints without end, of clients that it colludes with or that were served long ago,
//! to have a good leader deposed for starving them (P6.2).

use std::{collections::VecDeque, sync::Arc};

use consensus::{
    Message, NodeId, Term,
    entry::EntryKind,
    event::Recipient,
    message::{Leave, Reason, Relay, Suspect},
};

use super::{Adversary, Tools};

/// Requests that it keeps.
const KEPT: usize = 256;
/// Requests for each tick.
const BURST: usize = 24;

#[derive(Default)]
pub(super) struct ComplaintFlooder {
    kept: VecDeque<Arc<[u8]>>,
}

impl ComplaintFlooder {
    fn keep(&mut self, payloads: &[Arc<[u8]>]) {
        self.kept.extend(payloads.iter().take(BURST).cloned());
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }
}

impl Adversary for ComplaintFlooder {
    fn receives(&mut self, _: &mut Tools<'_>, _: NodeId, message: &Message) -> bool {
        match message {
            Message::Relay(signed) => self.keep(&signed.body.requests),
            Message::AppendEntries(signed) => {
                for entry in &signed.body.entries {
                    if entry.header().kind == EntryKind::Transactions {
                        self.keep(&entry.payloads);
                    }
                }
            }
            _ => {}
        }
        true
    }

    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if self.kept.is_empty() {
            return;
        }
        let requests: Vec<Arc<[u8]>> = (0..BURST)
            .map(|_| Arc::clone(&self.kept[tools.random.position(self.kept.len())]))
            .collect();
        let starved = tools.requests(&requests[..1]);
        let epoch = tools.configuration().epoch();
        let complaint = tools.sign(Relay {
            epoch,
            complained: true,
            requests,
        });
        tools.pass(Recipient::Others, &complaint);
        // Its own suspicion, and word for the end, beside the complaint, so that one more would be enough.
        if let Some(request) = starved.first() {
            let leave = tools.sign(Leave {
                epoch,
                term,
                reason: Reason::Starved(request.key()),
                followed: false,
            });
            tools.pass(Recipient::Others, &leave);
            let suspect = tools.sign(Suspect {
                epoch,
                term,
                commit: tools.configuration().opening(),
                uncommitted: None,
                reason: Reason::Starved(request.key()),
            });
            tools.pass(Recipient::Others, &suspect);
        }
    }
}
