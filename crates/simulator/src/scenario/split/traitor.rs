//! The leader that signs two branches, and its accomplices.

use std::sync::{Arc, Mutex, MutexGuard};

use consensus::{
    Entry, EntryHeader, EntryKind, Message, NodeId, SignedHeader, Term, Time,
    event::Recipient,
    message::{AppendEntries, Justification, Leave, PairReport, Reason, Report, Suspect, Vote},
};

use super::{LEADER, MENDED, RELEASED, VOTED};
use crate::adversary::{Adversary, Tools};

/// What the traitors know together.
#[derive(Clone, Default)]
pub(super) struct Shared(Arc<Mutex<Knowledge>>);

#[derive(Default)]
struct Knowledge {
    /// The term record of term 0.
    record: Option<SignedHeader>,
    /// p′, once it is signed.
    second: Option<Arc<Entry>>,
    /// n0's last heartbeat: with the certificate for p, if n0 has it.
    heartbeat: Option<Arc<Message>>,
}

impl Shared {
    fn get(&self) -> MutexGuard<'_, Knowledge> {
        self.0.lock().expect("no thread panics while it holds this")
    }
}

pub(super) struct Splitter {
    second: &'static [NodeId],
    witness: NodeId,
    tells_late: bool,
    shared: Shared,
}

impl Splitter {
    pub(super) const fn new(
        second: &'static [NodeId],
        witness: NodeId,
        tells_late: bool,
        shared: Shared,
    ) -> Self {
        Self {
            second,
            witness,
            tells_late,
            shared,
        }
    }

    /// An entry beside `entry`, with a lower hash, which a careless walk meets first.
    fn beside(tools: &Tools<'_>, entry: &Entry) -> Arc<Entry> {
        let mut timestamp = entry.header().timestamp;
        loop {
            timestamp += 1;
            let header = EntryHeader {
                timestamp,
                ..entry.header().clone()
            };
            let second = tools.entry(header, entry.payloads.clone());
            if second.point().hash < entry.point().hash {
                return second;
            }
        }
    }

    /// What n0 sends to those who are to see p′.
    fn second_append(&self, tools: &Tools<'_>, append: &AppendEntries) -> AppendEntries {
        let mut entries = append.entries.clone();
        let mut shared = self.shared.get();
        for entry in &mut entries {
            if entry.header().kind == EntryKind::TermRecord {
                shared.record = Some(entry.signed.clone());
            } else {
                let second = shared
                    .second
                    .get_or_insert_with(|| Self::beside(tools, entry));
                *entry = Arc::clone(second);
            }
        }
        AppendEntries {
            entries,
            ..append.clone()
        }
    }

    /// p′ was accepted, and nothing is certified.
    fn lie(&self, truth: &Report) -> Option<Report> {
        let shared = self.shared.get();
        let (record, second) = (shared.record.clone()?, shared.second.clone()?);
        Some(Report {
            pair: PairReport {
                term: Term::ZERO,
                point: second.point(),
                headers: vec![record, second.signed.clone()],
                justification: Justification::Opening,
            },
            accept: None,
            commit: None,
            ..truth.clone()
        })
    }
}

impl Adversary for Splitter {
    fn sends(&mut self, tools: &mut Tools<'_>, to: Recipient, message: &Arc<Message>) {
        match &**message {
            Message::AppendEntries(signed) if signed.body.term == Term::ZERO => {
                let second = self.second_append(tools, &signed.body);
                let second = tools.sign(second);
                for node in tools.recipients(to) {
                    let shown = match self.second.contains(&node) {
                        true => &second,
                        false => message,
                    };
                    tools.send(node, Arc::clone(shown));
                }
            }
            Message::Heartbeat(signed) if signed.body.term == Term::ZERO => {
                self.shared.get().heartbeat = Some(Arc::clone(message));
                tools.pass(to, message);
            }
            Message::Report(signed) if signed.body.pair.term == Term::ZERO => {
                let lie = self.lie(&signed.body).map(|lie| tools.sign(lie));
                tools.pass(to, lie.as_ref().unwrap_or(message));
            }
            // In later terms a traitor votes for what others vote for, whatever it knows.
            Message::Vote(signed) if signed.body.term > Term::ZERO => {}
            _ => tools.pass(to, message),
        }
    }

    fn receives(&mut self, tools: &mut Tools<'_>, from: NodeId, message: &Message) -> bool {
        if let Message::Vote(signed) = message
            && signed.body.term > Term::ZERO
            && signed.signer == NodeId(1)
            && from == signed.signer
        {
            let echo = tools.sign(Vote {
                applied: None,
                ..signed.body.clone()
            });
            tools.pass(Recipient::Others, &echo);
        }
        true
    }

    /// They do all they can for a leader change, and n0 tells in the end what it knows.
    fn ticks(&mut self, tools: &mut Tools<'_>, term: Term) {
        if (VOTED..MENDED).contains(&tools.now) && term == Term::ZERO {
            let suspect = tools.sign(Suspect {
                epoch: tools.configuration().epoch(),
                term,
                commit: tools.configuration().opening(),
                uncommitted: None,
                reason: Reason::Silent,
            });
            tools.pass(Recipient::Others, &suspect);
            let leave = tools.sign(Leave {
                epoch: tools.configuration().epoch(),
                term,
                reason: Reason::Silent,
                followed: false,
            });
            tools.pass(Recipient::Others, &leave);
        }
        let late = tools.now >= RELEASED.after(Time::from_millis(100)) && tools.now < MENDED;
        if late && self.tells_late && tools.me() == LEADER {
            let heartbeat = self.shared.get().heartbeat.clone();
            if let Some(heartbeat) = heartbeat {
                tools.send(self.witness, heartbeat);
            }
        }
    }
}
