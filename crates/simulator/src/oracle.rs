//! Watches every correct node and says when a rule is broken, after every event.

use std::{collections::HashMap, fmt, sync::Arc};

use consensus::{
    Configuration, EntryHeader, Hash, Index, Mode, NodeId, Notice, Point, Record, RequestKey,
    Restored, Signed, Term, Time, Verification, VoteState,
    entry::Entry,
    event::Recipient,
    message::{Applied, Message, Report},
};

use crate::{
    application::Outcome,
    durable::{Chain, ChainEntry, Durable},
    invariants::{
        self, Invariant,
        found::{Found, Missing},
    },
};

/// Something that a correct node did.
#[derive(Clone, Copy, Debug)]
pub enum Observation<'a> {
    /// It asked for a write.
    Wrote {
        /// The vote state after it.
        vote_state: &'a VoteState,
        /// The records.
        records: &'a [Record],
    },
    /// A message leaves.
    Sent {
        /// To whom.
        to: Recipient,
        /// The message.
        message: &'a Message,
        /// What the sender has on disk at this moment.
        durable: &'a Durable,
    },
    /// It executed an entry.
    Applied {
        /// The entry.
        entry: &'a Entry,
        /// The results so far.
        applied: Applied,
    },
    /// The replica told something.
    Notice(&'a Notice),
    /// It started again.
    Restarted {
        /// What it starts from.
        restored: Option<&'a Restored>,
        /// The chain on its disk.
        chain: &'a Chain,
    },
    /// A client now believes an outcome, and this node's answer was the last it needed.
    Answered {
        /// The request.
        key: RequestKey,
        /// The outcome.
        outcome: Outcome,
    },
}

/// A broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant's name.
    pub invariant: &'static str,
    /// The rule that it checks.
    pub rule: &'static str,
    /// When.
    pub at: Time,
    /// Who broke it, where one node did.
    pub node: Option<NodeId>,
    /// What happened.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.at.0 / 1_000_000, self.at.0 % 1_000_000);
        write!(
            f,
            "{} ({}) at {seconds}.{micros:06} s",
            self.invariant, self.rule
        )?;
        if let Some(node) = self.node {
            write!(f, " by {node}")?;
        }
        write!(f, ": {}", self.detail)
    }
}

/// What all correct nodes did so far, as far as several invariants need it.
pub struct History {
    /// Judges what needs judging.
    pub verification: Verification,
    /// Which nodes are correct.
    pub correct: Vec<bool>,
    /// The committed chain: what some correct node committed.
    pub committed: Chain,
    /// Each node's chain, with what is not yet durable.
    pub logs: Vec<Chain>,
    /// The previous entry of every entry that was ever sent or written.
    parents: HashMap<Hash, Point>,
}

impl History {
    /// The configuration.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        self.verification.configuration()
    }

    /// Whether a node is correct.
    #[must_use]
    pub fn is_correct(&self, node: NodeId) -> bool {
        self.correct.get(node.position()) == Some(&true)
    }

    /// Whether `higher` is `lower` or extends it, as far as the entries between were ever seen.
    #[must_use]
    pub fn extends(&self, higher: Point, lower: Point) -> bool {
        let mut point = higher;
        while point.index > lower.index {
            let Some(&parent) = self.parents.get(&point.hash) else {
                return false;
            };
            point = parent;
        }
        point == lower
    }

    fn record(&mut self, node: NodeId, observation: &Observation<'_>) {
        match observation {
            Observation::Wrote { records, .. } => {
                for record in *records {
                    self.record_write(node, record);
                }
            }
            Observation::Applied { entry, .. } if entry.index() > self.committed.last() => {
                self.committed.put(entry.index(), chain_entry(entry));
            }
            Observation::Restarted { chain, .. } => {
                self.logs[node.position()] = (*chain).clone();
            }
            _ => {}
        }
    }

    fn record_write(&mut self, node: NodeId, record: &Record) {
        match record {
            Record::Entry(entry) => {
                self.note_parent(entry.point(), entry.header());
                self.logs[node.position()].put(entry.index(), chain_entry(entry));
            }
            Record::SideEntry(entry) => self.note_parent(entry.point(), entry.header()),
            Record::Truncate(last) => {
                self.logs[node.position()].truncate(*last);
            }
            _ => {}
        }
    }

    fn record_seen(&mut self, message: &Message) {
        match message {
            Message::AppendEntries(signed) => self.note_entries(&signed.body.entries),
            Message::FetchReply(signed) => self.note_entries(&signed.body.entries),
            // A base may lie on entries of which nobody but a traitor ever showed more than headers.
            Message::Report(signed) => self.note_reports(std::slice::from_ref(signed)),
            Message::RequestVote(signed) => self.note_reports(&signed.body.reports),
            _ => {}
        }
    }

    fn note_entries(&mut self, entries: &[Arc<Entry>]) {
        for entry in entries {
            self.note_parent(entry.point(), entry.header());
        }
    }

    fn note_reports(&mut self, reports: &[Signed<Report>]) {
        let headers = reports.iter().flat_map(|report| &report.body.pair.headers);
        for signed in headers {
            let point = signed.header.point(self.verification.configuration());
            self.note_parent(point, &signed.header);
        }
    }

    fn note_parent(&mut self, point: Point, header: &EntryHeader) {
        self.parents.entry(point.hash).or_insert(Point {
            index: header.index.previous(),
            hash: header.previous,
        });
    }
}

fn chain_entry(entry: &Entry) -> ChainEntry {
    ChainEntry {
        hash: entry.point().hash,
        term: entry.term(),
    }
}

/// Holds the invariants and the history.
pub struct Oracle {
    history: History,
    found: Found,
    invariants: Vec<Box<dyn Invariant>>,
    violation: Option<Violation>,
}

impl Oracle {
    /// An oracle over the nodes that `correct` names.
    #[must_use]
    pub fn new(verification: Verification, correct: Vec<bool>) -> Self {
        let mode = verification.configuration().mode();
        Self {
            invariants: invariants::of_mode(mode, correct.len()),
            history: History {
                committed: Chain::default(),
                logs: vec![Chain::default(); correct.len()],
                parents: HashMap::new(),
                correct,
                verification,
            },
            found: Found::default(),
            violation: None,
        }
    }

    /// What happened so far.
    #[must_use]
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Takes in what a node did. What Byzantine nodes do is not held against them.
    pub fn observe(&mut self, at: Time, node: NodeId, observation: Observation<'_>) {
        if !self.history.is_correct(node) || self.violation.is_some() {
            return;
        }
        for invariant in &mut self.invariants {
            if let Err(detail) = invariant.observe(&self.history, node, &observation) {
                self.violation = Some(Violation {
                    invariant: invariant.name(),
                    rule: invariant.rule(),
                    at,
                    node: Some(node),
                    detail,
                });
                return;
            }
        }
        self.found.observe(node, &observation);
        self.history.record(node, &observation);
    }

    /// A message reached a node.
    pub fn received(&mut self, node: NodeId, message: &Message) {
        self.found.received(&self.history, node, message);
    }

    /// A correct node that should hold evidence against somebody and does not.
    #[must_use]
    pub fn unfound(&self) -> Option<Missing> {
        self.found.missing(&self.history)
    }

    /// Takes in a valid message, whoever sent it.
    pub fn seen(&mut self, message: &Message) {
        self.history.record_seen(message);
    }

    /// Notes a violation found elsewhere; the first one counts.
    pub fn report(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// The first violation.
    #[must_use]
    pub const fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// How many entries are committed.
    #[must_use]
    pub fn committed(&self) -> Index {
        self.history.committed.last()
    }
}

/// An invariant's name and rule, for lists.
#[must_use]
pub fn names(mode: Mode) -> Vec<(&'static str, &'static str)> {
    invariants::of_mode(mode, 0)
        .iter()
        .map(|invariant| (invariant.name(), invariant.rule()))
        .collect()
}

/// The committed entry at an index must be this one, if it is known.
pub(crate) fn same_as_committed(history: &History, point: Point) -> Result<(), String> {
    match history.committed.get(point.index) {
        Some(known) if known.hash != point.hash => Err(format!(
            "committed {point}, where another correct node committed {}",
            known.hash.short()
        )),
        _ => Ok(()),
    }
}

/// Terms for tables that keep one value for each.
pub(crate) type ByTerm<T> = std::collections::BTreeMap<Term, T>;
