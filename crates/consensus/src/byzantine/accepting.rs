//! Accepting entries and voting for them (P3.2 – P3.4).

use std::sync::Arc;

use super::Byzantine;
use crate::{
    certificate::{ElectionCertificate, QuorumCertificate},
    entry::{Entry, EntryKind},
    limits,
    message::{AppendEntries, Heartbeat, Vote},
    mutation::{self, Mutation},
    record::Record,
    signed::Signed,
    types::{Index, NodeId, Point, Term},
};

/// The accepted branch of a node whose term's certificates are on another one (P3.3). It keeps
/// what it needs to report what it voted for.
pub(super) struct Side {
    /// Entries up to the accepted point, from just above the anchor that the justification shows.
    pub(super) entries: Vec<Arc<Entry>>,
}

impl Side {
    pub(super) fn restore(entries: Vec<Arc<Entry>>, head: Point) -> Option<Self> {
        (entries.last().map(|entry| entry.point()) == Some(head)).then_some(Self { entries })
    }

    /// Its entry of this point. It is here, after a restart too, until the pair leaves the branch.
    pub(super) fn get(&self, point: Point) -> Option<&Arc<Entry>> {
        self.up_to(point)?.last()
    }

    /// Its entries up to this point, if that is one of them.
    pub(super) fn up_to(&self, point: Point) -> Option<&[Arc<Entry>]> {
        let place = self.entries.iter().position(|entry| entry.point() == point);
        place
            .filter(|_| !mutation::active(Mutation::LosingBranchHidden))
            .map(|place| &self.entries[..=place])
    }
}

impl Byzantine {
    pub(super) fn append_entries(&mut self, from: NodeId, signed: Signed<AppendEntries>) {
        let (signer, append) = (signed.signer, signed.body);
        self.learn(append.commit, append.election);
        if signer != self.configuration().leader(append.term) {
            return;
        }
        if append.term == self.state.term {
            self.leader_heard(from);
        }
        for entry in &append.entries {
            self.witness_entry(entry);
        }
        self.cut_back(&append.entries);
        if self.votes_in(append.term) && self.extends_head(append.previous) {
            self.accept(&append.entries);
        } else if append.term == self.state.term {
            // Of its own term a leader can sign one entry an index before it is caught; of terms
            // that it does not lead now it could fill the memory with entries for nothing.
            let own = |entry: &&Arc<Entry>| entry.term() == append.term;
            let entries: Vec<_> = append.entries.iter().filter(own).cloned().collect();
            self.keep(&entries);
        }
    }

    pub(super) fn heartbeat(&mut self, from: NodeId, signed: Signed<Heartbeat>) {
        let (signer, heartbeat) = (signed.signer, signed.body);
        self.learn(heartbeat.commit, heartbeat.election);
        if signer != self.leader() || heartbeat.term != self.state.term {
            return;
        }
        self.leader_heard(from);
        if heartbeat.head.index > self.log.last().index {
            self.fetches
                .ahead(signer, heartbeat.head, self.now.monotonic);
        }
    }

    fn learn(&mut self, commit: Option<QuorumCertificate>, election: Option<ElectionCertificate>) {
        self.learn_election(election);
        self.learn_commit(commit);
    }

    fn leader_heard(&mut self, from: NodeId) {
        if from == self.leader() {
            self.timer.heard = self.now.monotonic;
        }
    }

    /// Whether this node accepts and votes in a term: its own, once the pair is of it.
    fn votes_in(&self, term: Term) -> bool {
        (self.adopted() || mutation::active(Mutation::VotesInTermLeft))
            && term == self.state.pair_term
    }

    /// Whether entries after `previous` extend the accepted point.
    fn extends_head(&self, previous: Point) -> bool {
        self.side.is_none() && previous == self.log.last()
    }

    /// Nothing, unless a rule is broken: what P3.2 and P3.4 forbid, and followers in Raft do.
    fn cut_back(&mut self, entries: &[Arc<Entry>]) {
        let Some(first) = entries.first() else { return };
        let keep = first.index().previous();
        let below = keep < self.commit.index;
        let broken = match below {
            true => mutation::active(Mutation::TruncationBelowCommit),
            false => mutation::active(Mutation::SecondBranchAccepted),
        };
        if broken
            && self.votes_in(first.term())
            && self.side.is_none()
            && self.log.hash_at(keep) == Some(first.header().previous)
            && (below || !self.log.contains(first.point()))
        {
            self.log.truncate(keep);
            self.record(Record::Truncate(keep));
            let point = self.log.last();
            self.change_state(|state| state.pair_point = point);
        }
    }

    /// Keeps entries that do not extend the chain now, for when they do, and says whether any of
    /// them is new.
    pub(super) fn keep(&mut self, entries: &[Arc<Entry>]) -> bool {
        let window = self.commit.index.0 + 4 * limits::WINDOW;
        let mut new = false;
        for entry in entries {
            if entry.index() > self.commit.index && entry.index().0 <= window {
                new |= self.branches.insert(entry);
            }
        }
        new
    }

    /// Accepts entries that arrived before it was their turn.
    pub(super) fn accept_waiting(&mut self) {
        while self.adopted() && self.side.is_none() {
            let head = self.log.last();
            let next = self
                .branches
                .at(head.index.next())
                .find(|entry| {
                    entry.header().previous == head.hash && entry.term() == self.state.term
                })
                .cloned();
            let Some(next) = next else { return };
            if self.accept(&[next]) == 0 {
                return;
            }
        }
    }

    /// Accepts entries of this term that extend the accepted point, as far as P3.2 allows, and
    /// says how many. Signatures, bodies and links were checked before.
    fn accept(&mut self, entries: &[Arc<Entry>]) -> usize {
        for (count, entry) in entries.iter().enumerate() {
            let head = self.log.last();
            if entry.header().previous != head.hash || !self.acceptable(entry) {
                self.keep(&entries[count..]);
                return count;
            }
            self.accept_one(entry);
        }
        entries.len()
    }

    fn acceptable(&self, entry: &Entry) -> bool {
        let header = entry.header();
        let opens_term = !self.has_entries_of(header.term);
        let right_kind = (header.kind == EntryKind::TermRecord) == opens_term;
        // At most W and so many bytes beyond a commit certificate; the first entry after base always
        // fits, so that a base at the window's edge does not stop the term.
        let limit = self.commit.index.0 + limits::WINDOW;
        let bytes = self.bytes_in_flight() + entry.body_bytes() as u64;
        let bytes_fit =
            bytes <= limits::WINDOW_BYTES || mutation::active(Mutation::WindowBytesIgnored);
        let in_window = (header.index.0 <= limit && bytes_fit) || opens_term;
        let stopped = self.stopped_by_suspicion();
        self.votes_in(header.term)
            && !stopped
            && self.application_keeps_up()
            && header.index == self.log.last().index.next()
            && right_kind
            && in_window
            && header.timestamp >= self.log.last_timestamp()
            && header.timestamp <= self.now.wall.saturating_add(limits::CLOCK_AHEAD_MILLIS)
    }

    /// Bytes of bodies on the chain beyond the commit point.
    pub(super) fn bytes_in_flight(&self) -> u64 {
        self.log.bytes_after(self.commit.index)
    }

    /// Whether the application is near enough to the commit point that more may be taken in: what
    /// waits for it is in memory (P12.1).
    pub(super) fn application_keeps_up(&self) -> bool {
        let applied = self.applied.map_or(Index::ZERO, |applied| applied.index);
        self.commit.index.beyond(applied) <= limits::UNAPPLIED_ENTRIES
    }

    /// Whether the chain holds an entry of this term.
    pub(super) fn term_has_entries(&self) -> bool {
        self.has_entries_of(self.state.term)
    }

    fn has_entries_of(&self, term: Term) -> bool {
        self.log.last_term() == term && self.log.last().index > Index::ZERO
    }

    /// P3.3 (i): the pair moves along its own branch.
    pub(super) fn accept_one(&mut self, entry: &Arc<Entry>) {
        assert!(
            self.votes_in(entry.term()) && self.side.is_none(),
            "P3.3 (i): accepting in w"
        );
        self.log.append(Arc::clone(entry));
        self.record(Record::Entry(Arc::clone(entry)));
        self.in_chain.extend(entry.keys().iter().copied());
        let point = entry.point();
        self.change_state(|state| state.pair_point = point);
        self.note_waiting();
    }

    /// Broadcasts a vote if a point moved (P2.6). It leaves once what it says is durable.
    pub(super) fn vote(&mut self) {
        let stopped = self.stopped_by_suspicion();
        let term = self.state.pair_term;
        if !self.votes_in(term) || stopped {
            self.applied_vote_due = None;
            return;
        }
        let vote = Vote {
            epoch: self.configuration().epoch(),
            term,
            accepted: Some(self.state.pair_point),
            locked: self.state.locked,
            applied: self.applied,
        };
        let before = self
            .own_votes
            .back()
            .map(|(vote, _)| vote)
            .or_else(|| {
                let me = self.me();
                self.votes.of_term(term).find(|vote| vote.signer == me)
            })
            .map(|signed| &signed.body);
        let moved = before.is_none_or(|before| {
            before.term != vote.term
                || before.accepted != vote.accepted
                || before.locked != vote.locked
        });
        let applied_moved = before.is_some_and(|before| before.applied != vote.applied);
        if !moved {
            if !applied_moved {
                self.applied_vote_due = None;
                return;
            }
            let due = self.now.monotonic.after(self.out.setup.timers.applied_vote);
            let due = *self.applied_vote_due.get_or_insert(due);
            if due > self.now.monotonic {
                return;
            }
        }
        self.applied_vote_due = None;
        let write = self.flush();
        let waits = !mutation::active(Mutation::VoteBeforeWrite);
        let signed = self.out.sign(vote);
        self.out.forward(
            crate::event::Recipient::Others,
            signed.clone(),
            waits.then_some(write),
        );
        if write <= self.durable || !waits {
            self.votes.insert(signed);
        } else {
            self.own_votes.push_back((signed, write));
        }
    }

    pub(super) fn vote_received(&mut self, from: NodeId, signed: Signed<Vote>) {
        // A vote of this node that comes from elsewhere is an old one, or another process has its key:
        // what this one said last is for it to know.
        if signed.signer == self.me() {
            return;
        }
        self.witness_vote(&signed);
        let ahead = signed.body.accepted.filter(|accepted| {
            signed.body.term == self.state.term && accepted.index > self.log.last().index
        });
        if let Some(accepted) = ahead {
            self.fetches.ahead(from, accepted, self.now.monotonic);
        }
        self.votes.insert(signed);
    }

    pub(super) fn refresh_in_chain(&mut self) {
        self.in_chain = self
            .log
            .after(self.commit.index)
            .flat_map(|entry| entry.keys().iter().copied())
            .collect();
    }
}
