//! Why leaders were left, and on whose word (P4.4): every term but the first begins with a record of
//! it.

use std::collections::BTreeMap;

use consensus::{
    Configuration, Entry, EntryKind, Index, Mode, NodeId, Term,
    encoding::{Canonical, Reader},
    event::Leaver,
    message::TermRecord,
};

/// A leader that was left. Whatever a term record shows is signed by those whom it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// The term that was left.
    pub term: Term,
    /// Who led it.
    pub leader: NodeId,
    /// The entry that tells it, the first of a later term.
    pub told_in: Index,
    /// Who would have the term end, in the order of their positions, and why.
    pub leavers: Vec<Leaver>,
}

impl Left {
    /// What a valid entry tells, if it is the record of a term that has one before it.
    #[must_use]
    pub fn told_by(configuration: &Configuration, entry: &Entry) -> Option<Self> {
        if entry.header().kind != EntryKind::TermRecord || configuration.mode() != Mode::Byzantine {
            return None;
        }
        let payload = entry.payloads.first()?;
        let record = TermRecord::decode(&mut Reader::new(payload)).ok()?;
        let term = record.reports.first()?.body.leave.term;
        let mut leavers = BTreeMap::new();
        // Reports may show different sets of Q.
        for report in &record.reports {
            let leaves = report.body.leave.leaves.iter();
            for leave in leaves.filter(|leave| leave.body.term == term) {
                leavers.entry(leave.signer.0).or_insert(Leaver {
                    node: leave.signer,
                    reason: leave.body.reason,
                    followed: leave.body.followed,
                });
            }
        }
        Some(Self {
            term,
            leader: configuration.leader(term),
            told_in: entry.index(),
            leavers: leavers.into_values().collect(),
        })
    }
}
