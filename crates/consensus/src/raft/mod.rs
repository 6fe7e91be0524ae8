//! Raft as in Ongaro's dissertation and the extended paper's Figure 2 (P10.1), signed or not: the
//! same code for both of its modes.
//!
//! Invariants, asserted in release builds too:
//! - what is committed is never cut from the log, and the commit index never goes back;
//! - a vote, the own one included, counts only once it is durable (P11.1);
//! - an entry counts for the commit only on nodes where it is durable;
//! - a leader only appends; it commits entries of earlier terms only beneath one of its own.
//!
//! In the Raft modes peers may crash but are believed. Still nothing that a faulty peer sends may
//! make this node panic or drop what is committed.

mod chain_keys;
mod durability;
mod election;
mod follower;
mod progress;
mod reading;
mod relaying;
mod replication;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::{
    chain_keys::ChainKeys,
    durability::Durability,
    election::{ElectionTimer, Votes},
    relaying::Relays,
    replication::Leadership,
};
use crate::{
    entry::Entry,
    event::{Event, Notice, Output, Role, Status, WriteId},
    limits,
    log::Log,
    message::{Applied, Message, Reason},
    mutation::{self, Mutation},
    outbox::{Outbox, Setup},
    pending::Pending,
    record::{Record, Restored, VoteState},
    signed::Verified,
    types::{Epoch, Index, NodeId, Now, Point, Term, Time},
};

/// What part a node plays, with what belongs to it.
#[derive(Debug)]
enum Part {
    /// Follows, or waits until it may seek an election.
    Follower,
    /// Asks who would vote for it.
    PreCandidate(Votes),
    /// Asks for votes in a term of its own.
    Candidate(Votes),
    /// Leads.
    Leader(Box<Leadership>),
}

/// A Raft replica, signed or not.
pub struct Raft {
    outbox: Outbox,
    vote_state: VoteState,
    /// Whether the vote state was changed since the last write.
    vote_changed: bool,
    log: Log,
    keys: ChainKeys,
    disk: Durability,
    commit: Point,
    /// The commit index that was last recorded, as a hint for a restart.
    recorded_commit: Index,
    applied: Option<Applied>,
    part: Part,
    leader: Option<NodeId>,
    election: ElectionTimer,
    pending: Pending,
    relays: Relays,
}

impl Raft {
    /// A replica that starts.
    ///
    /// # Panics
    /// If what was restored contradicts itself: entries that are not linked, or an application
    /// that is not within them.
    pub(crate) fn new(setup: Setup, restored: Option<Restored>, now: Now) -> Self {
        let configuration = Arc::clone(&setup.configuration);
        let (mut vote_state, before, tail, applied) = match restored {
            Some(restored) => (
                restored.vote_state,
                restored.before,
                restored.tail,
                Some(restored.applied),
            ),
            None => (
                VoteState::new(&configuration),
                configuration.opening(),
                Vec::new(),
                None,
            ),
        };
        assert!(
            before == configuration.opening() || !tail.is_empty(),
            "the last entry's term decides votes, so it must be restored"
        );
        // The true term of `before` is not stored; a lower one only makes a search for the last
        // common entry go back less at once.
        let mut log = Log::new(before, Term::ZERO);
        let mut keys = ChainKeys::default();
        for entry in tail {
            keys.add(&entry);
            log.append(entry);
        }
        if mutation::active(Mutation::RaftVoteForgotten) {
            vote_state.term = log.last_term();
            vote_state.voted_for = None;
        }
        let commit = applied.map_or(before, |applied| {
            log.point_at(applied.index)
                .expect("what is applied is committed, and the tail begins no later")
        });
        let election = ElectionTimer::new(&setup, now.monotonic);
        let pending = Pending::new(setup.me, configuration.sizes().validators());
        Self {
            outbox: Outbox::new(setup),
            vote_state,
            vote_changed: false,
            keys,
            disk: Durability::new(log.last().index),
            log,
            commit,
            recorded_commit: commit.index,
            applied,
            part: Part::Follower,
            leader: None,
            election,
            pending,
            relays: Relays::default(),
        }
    }

    pub(crate) fn handle(&mut self, now: Now, event: Event) {
        match event {
            Event::Message(message) => self.on_message(now, message),
            Event::Relayed { from, requests, .. } => self.on_relayed(now, from, &requests),
            Event::Submit(request) | Event::Complain(request) => self.on_submit(now, &request),
            Event::Judged { verdicts, .. } => self.on_judged(&verdicts),
            Event::Written(id) => self.on_written(now, id),
            Event::Applied(applied) => self.applied = Some(applied),
            Event::EntriesRead {
                to, from, entries, ..
            } => self.on_entries_read(to, from, entries),
            Event::Read { id } => self.on_read(id),
            Event::Timeout => self.on_timeout(now),
            Event::Stopping => {
                self.record_commit();
                self.flush();
                return;
            }
        }
        self.propose(now);
        self.flush();
        self.serve_reads();
        self.send_appends();
        self.relay(now);
        self.forget();
    }

    pub(crate) fn next_output(&mut self) -> Option<Output> {
        self.outbox.pop()
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let of_part = match &self.part {
            Part::Leader(leadership) => self.leader_deadline(leadership),
            _ => self.election.deadline(),
        };
        self.relay_deadline().into_iter().chain([of_part]).min()
    }

    pub(crate) fn status(&self) -> Status {
        let role = match (&self.part, self.leader) {
            (Part::Leader(_), _) => Role::Leader,
            (Part::Follower, Some(_)) => Role::Follower,
            _ => Role::Candidate,
        };
        Status {
            role,
            term: self.term(),
            leader: self.leader,
            commit: self.commit,
            head: self.log.last(),
            applied: self.applied,
            pending: self.pending.len(),
            timer_level: 0,
            suspicion: (role == Role::Candidate).then_some(Reason::Silent),
            evidence: 0,
            deposed: None,
            diverged: None,
        }
    }

    fn on_message(&mut self, now: Now, message: Verified<Message>) {
        let (from, message) = message.into_parts();
        if from == self.me() || from.position() >= self.validators() {
            return;
        }
        match message {
            Message::RaftAppend(signed) => self.on_append(now, from, signed.body),
            Message::RaftAppendReply(signed) => self.on_append_reply(now, from, &signed.body),
            Message::RaftRequestVote(signed) => self.on_request_vote(now, from, &signed.body),
            Message::RaftVote(signed) => self.on_vote(now, from, &signed.body),
            // Relays come as Event::Relayed, their requests checked; the rest is of another mode.
            _ => {}
        }
    }

    fn on_written(&mut self, now: Now, id: WriteId) {
        self.disk.written(id);
        match &self.part {
            Part::Candidate(_) => self.count_own_vote(now),
            Part::Leader(_) => self.count_matches(),
            Part::Follower | Part::PreCandidate(_) => {}
        }
    }

    fn on_timeout(&mut self, now: Now) {
        self.relay_again(now);
        match &self.part {
            Part::Leader(_) => self.on_leader_timeout(now),
            _ if now.monotonic >= self.election.deadline() => self.on_election_timeout(now),
            _ => {}
        }
    }

    /// Ends the write in the making and returns what a message must wait for that depends on it.
    fn flush(&mut self) -> Option<WriteId> {
        let id = self.outbox.flush(&self.vote_state);
        self.disk
            .issued(id, self.log.last().index, self.vote_changed);
        self.vote_changed = false;
        (id > WriteId(0)).then_some(id)
    }

    /// Appends an entry, to be durable with the next write.
    fn append(&mut self, entry: Arc<Entry>) {
        self.keys.add(&entry);
        self.log.append(Arc::clone(&entry));
        self.outbox.record(Record::Entry(entry));
        self.record_commit();
    }

    /// Records how far entries are known to be committed (P11.3).
    fn record_commit(&mut self) {
        if self.commit.index > self.recorded_commit {
            self.recorded_commit = self.commit.index;
            self.outbox.record(Record::CommitIndex(self.commit.index));
        }
    }

    /// Moves the commit index, if that is forward, and hands the entries to the application.
    fn commit_to(&mut self, index: Index) {
        assert!(index <= self.log.last().index, "what is committed is held");
        if index <= self.commit.index {
            return;
        }
        for entry in self.log.after(self.commit.index) {
            if entry.index() > index {
                break;
            }
            // Another one under the key goes on: this one may settle no nonce (P6.5).
            for (key, payload) in entry.keys().iter().zip(&entry.payloads) {
                if self.pending.holds(key, payload) {
                    self.pending.remove(key);
                }
            }
            self.commit = entry.point();
            self.outbox.push(Output::Apply(Arc::clone(entry)));
        }
        assert_eq!(self.commit.index, index, "what is uncommitted is in memory");
        self.outbox
            .push(Output::Notice(Notice::Committed { point: self.commit }));
        self.prune_relays();
    }

    /// Drops from memory what is committed, durable and applied, but for the most recent of it.
    fn forget(&mut self) {
        let settled = self.commit.index.min(self.disk.index()).min(self.applied());
        let index = Index(settled.0.saturating_sub(limits::RETAINED_ENTRIES));
        if index <= self.log.before().index {
            return;
        }
        for entry in self.log.after(self.log.before().index) {
            if entry.index() > index {
                break;
            }
            self.keys.remove(entry);
        }
        self.log.forget(index);
    }

    /// Whether the application is so far behind that no more should be taken.
    fn application_lags(&self) -> bool {
        self.commit.index.beyond(self.applied()) >= limits::UNAPPLIED_ENTRIES
    }

    fn applied(&self) -> Index {
        self.applied
            .map_or(Index::ZERO, |applied| applied.index)
            .max(self.outbox.setup.configuration.opening().index)
    }

    fn is_leader(&self) -> bool {
        matches!(self.part, Part::Leader(_))
    }

    fn notice(&mut self, notice: Notice) {
        self.outbox.push(Output::Notice(notice));
    }

    const fn term(&self) -> Term {
        self.vote_state.term
    }

    const fn me(&self) -> NodeId {
        self.outbox.setup.me
    }

    fn epoch(&self) -> Epoch {
        self.outbox.setup.configuration.epoch()
    }

    fn validators(&self) -> usize {
        self.outbox.setup.configuration.sizes().validators()
    }
}
