//! What a base needs before anybody builds on it (P3.3 (ii), P4.5, P4.9), and its adoption.

use std::sync::Arc;

use super::Byzantine;
use crate::{
    entry::{Entry, EntryKind},
    event::Notice,
    limits,
    message::Justification,
    mutation::{self, Mutation},
    record::Record,
    types::{Index, Point},
};

/// Why a base cannot be adopted, for now or for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unadoptable {
    /// The entry of this point is not here, nor perhaps any below it.
    Missing(Point),
    /// The clock of whoever signed it is far ahead of the own one (P3.2): later, perhaps.
    Early,
    /// It contradicts what is committed, or what lies below it breaks P3.2.
    Invalid,
}

/// The entries that lead from a point of the chain to another one.
pub(super) type Lead = (Point, Vec<Arc<Entry>>);

impl Byzantine {
    /// The entries that lead from the chain to a base that this node could adopt now: all of them are
    /// here, and each passes P3.2 after the one before. What lies at or below the commit point is not
    /// looked at: no base is there (§ 5).
    pub(super) fn lead_to(&self, base: Point) -> Result<Lead, Unadoptable> {
        let (fork, path) = self.path(base).map_err(Unadoptable::Missing)?;
        if fork.index < self.commit.index {
            return Err(Unadoptable::Invalid);
        }
        let latest = self.now.wall.saturating_add(limits::CLOCK_AHEAD_MILLIS);
        let mut timestamp = self.entry(fork).map_or(0, |entry| entry.header().timestamp);
        let mut term = self
            .log
            .term_at(fork.index)
            .filter(|_| fork.index > Index::ZERO);
        for entry in &path {
            let header = entry.header();
            let opens_term = term.is_none_or(|before| before < header.term);
            let follows = term.is_none_or(|before| before <= header.term)
                && (header.kind == EntryKind::TermRecord) == opens_term
                && header.timestamp >= timestamp;
            if !follows {
                return Err(Unadoptable::Invalid);
            }
            (timestamp, term) = (header.timestamp, Some(header.term));
        }
        // Timestamps do not go back, so the last is the furthest ahead.
        if !path.is_empty() && timestamp > latest {
            return Err(Unadoptable::Early);
        }
        Ok((fork, path))
    }

    /// P3.3 (ii): moves the pair to base, in one write, once all of it is here. A certificate of a
    /// term not above the pair's changes nothing: a repeated one must not take a vote back.
    pub(super) fn adopt(&mut self) {
        if self.adopted() {
            return;
        }
        let Some(election) = &self.election else {
            return;
        };
        let base = election.base();
        let (fork, path) = match self.lead_to(base) {
            Ok(known) => known,
            Err(Unadoptable::Missing(_)) if mutation::active(Mutation::VotesBelowBase) => {
                (self.log.last(), Vec::new())
            }
            Err(Unadoptable::Missing(_)) => return,
            Err(Unadoptable::Early | Unadoptable::Invalid) => {
                self.base_refused(base);
                return;
            }
        };
        let base = path.last().map_or(fork, |last| last.point());
        let election = election.clone();
        if fork != self.log.last() {
            let dropped = self.log.truncate(fork.index);
            self.dropped(&dropped);
            self.record(Record::Truncate(fork.index));
        }
        for entry in &path {
            self.log.append(Arc::clone(entry));
            self.record(Record::Entry(Arc::clone(entry)));
        }
        self.side = None;
        self.lock = None;
        self.justification = Justification::Election(election);
        self.record(Record::Justification(self.justification.clone()));
        let term = self.state.term;
        self.change_state(|state| {
            state.pair_term = term;
            state.pair_point = base;
            state.locked = None;
        });
        self.refresh_in_chain();
        self.timer.heard = self.now.monotonic;
    }

    /// Says once in a term that its base is not adopted, though all of it is here (P4.9).
    fn base_refused(&mut self, base: Point) {
        if !std::mem::replace(&mut self.candidacy.base_refused, true) {
            self.notice(Notice::BaseRefused {
                term: self.state.term,
                base,
            });
        }
    }

    /// What P4.9 forbids, for [`Mutation::RepeatedElectionLowersPair`]: takes the pair back to base,
    /// or to the commit point if that lies beyond.
    pub(super) fn lower_pair(&mut self, base: Point) {
        let point = match self.commit.index > base.index {
            true => self.commit,
            false => base,
        };
        if mutation::active(Mutation::RepeatedElectionLowersPair)
            && self.log.contains(point)
            && point != self.log.last()
            && self.side.is_none()
        {
            self.log.truncate(point.index);
            self.record(Record::Truncate(point.index));
            self.lock = None;
            self.change_state(|state| {
                state.pair_point = point;
                state.locked = None;
            });
            self.refresh_in_chain();
        }
    }
}
