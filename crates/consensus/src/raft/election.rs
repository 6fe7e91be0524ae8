//! Elections (extended paper §5.2, §5.4.1; dissertation §4.2.3 and §9.6): randomized timeouts,
//! pre-vote, and no votes against a leader that is heard.

use super::{Part, Raft, replication::Leadership};
use crate::{
    entry::EntryKind,
    event::{Notice, Recipient, WriteId},
    message::{RaftRequestVote, RaftVote, Reason},
    mutation::{self, Mutation},
    outbox::Setup,
    quorum::{self, VoteResult},
    random::Random,
    types::{NodeId, Now, Point, Term, Time},
};

/// Who granted and who refused, by position.
pub(super) type Votes = Vec<Option<bool>>;

/// When to stand for election.
#[derive(Debug)]
pub(super) struct ElectionTimer {
    random: Random,
    shortest: Time,
    longest: Time,
    timeout: Time,
    deadline: Time,
    /// When the leader was last heard.
    heard: Time,
}

impl ElectionTimer {
    pub(super) fn new(setup: &Setup, now: Time) -> Self {
        let timers = &setup.timers;
        // Nodes may share a seed, and must not share their timeouts.
        let own = u64::from(setup.me.0) << 48;
        let mut timer = Self {
            random: Random::new(setup.seed ^ own),
            shortest: timers.silence_shortest,
            longest: timers.silence_longest,
            timeout: Time(0),
            deadline: Time(0),
            heard: now,
        };
        timer.draw(now);
        if setup.configuration.sizes().validators() == 1 {
            timer.deadline = now;
        }
        timer
    }

    /// Starts again with another timeout.
    fn draw(&mut self, now: Time) {
        self.timeout = self.random.between(self.shortest, self.longest);
        self.deadline = now.after(self.timeout);
    }

    /// The leader was heard.
    pub(super) fn heard(&mut self, now: Time) {
        self.heard = now;
        self.deadline = now.after(self.timeout);
    }

    pub(super) const fn deadline(&self) -> Time {
        self.deadline
    }
}

impl Raft {
    pub(super) fn on_election_timeout(&mut self, now: Now) {
        if self.leader.is_some() {
            self.notice(Notice::Suspecting {
                term: self.term(),
                reason: Reason::Silent,
            });
            self.set_leader(None);
        }
        self.part = Part::Follower;
        self.election.draw(now.monotonic);
        let term = self.term().next();
        if term > self.term() {
            let votes = self.no_votes();
            self.part = Part::PreCandidate(votes);
            self.request_votes(term, true);
            self.count_vote(now, self.me(), true);
        }
    }

    fn no_votes(&self) -> Votes {
        vec![None; self.validators()]
    }

    fn request_votes(&mut self, term: Term, pre_vote: bool) {
        let after = match pre_vote {
            true => self.disk.vote_barrier(),
            false => self.flush(),
        };
        let request = RaftRequestVote {
            epoch: self.epoch(),
            term,
            pre_vote,
            last_index: self.log.last().index,
            last_term: self.log.last_term(),
        };
        if self.validators() > 1 {
            self.outbox.send(Recipient::Others, request, after);
        }
    }

    /// Stands for election in the next term, with the own vote.
    fn stand(&mut self, now: Now) {
        self.enter(self.term().next());
        self.vote_for(self.me());
        self.election.draw(now.monotonic);
        self.part = Part::Candidate(self.no_votes());
        self.request_votes(self.term(), false);
    }

    /// Counts the own vote once it is durable.
    pub(super) fn count_own_vote(&mut self, now: Now) {
        if self.disk.vote_barrier().is_none() {
            self.count_vote(now, self.me(), true);
        }
    }

    fn count_vote(&mut self, now: Now, voter: NodeId, granted: bool) {
        let (votes, pre_vote) = match &mut self.part {
            Part::PreCandidate(votes) => (votes, true),
            Part::Candidate(votes) => (votes, false),
            Part::Follower | Part::Leader(_) => return,
        };
        votes[voter.position()] = Some(granted);
        match (quorum::vote_result(votes), pre_vote) {
            (VoteResult::Pending, _) => {}
            (VoteResult::Lost, _) => self.part = Part::Follower,
            (VoteResult::Won, true) => self.stand(now),
            (VoteResult::Won, false) => self.lead(now),
        }
    }

    /// Leads the term, and begins it with an entry of its own: only that makes what earlier terms
    /// left committed (extended paper §5.4.2).
    fn lead(&mut self, now: Now) {
        assert_eq!(self.vote_state.voted_for, Some(self.me()));
        // Others may have decided the election before the own vote is on disk. Then it waits: a
        // leader that crashed and forgot its own vote could elect another in the same term.
        if self.disk.vote_barrier().is_some() {
            return;
        }
        let base = self.log.last();
        self.part = Part::Leader(Box::new(Leadership::new(
            &self.outbox.setup,
            base,
            now.monotonic,
        )));
        self.set_leader(Some(self.me()));
        self.notice(Notice::Elected {
            term: self.term(),
            leader: self.me(),
            base,
        });
        let entry = self.outbox.create_entry(
            EntryKind::TermRecord,
            self.term(),
            (base, self.log.last_timestamp()),
            Vec::new(),
            now,
        );
        self.append(entry);
    }

    /// Ceases to lead or to stand, and enters `term` if it is a later one.
    pub(super) fn step_down(&mut self, now: Now, term: Term, leader: Option<NodeId>) {
        let part = std::mem::replace(&mut self.part, Part::Follower);
        if term > self.term() {
            self.set_leader(None);
            self.enter(term);
        }
        self.set_leader(leader);
        if let Part::Leader(leadership) = part {
            self.election.draw(now.monotonic);
            self.refuse_reads(leadership.reads);
        }
    }

    /// Enters a later term. Durable before anything is said in it.
    fn enter(&mut self, term: Term) {
        assert!(term > self.term(), "terms only rise");
        self.vote_state.term = term;
        self.vote_state.voted_for = None;
        self.outbox.vote_state_changed();
        self.vote_changed = true;
        self.notice(Notice::TermEntered { term });
    }

    fn vote_for(&mut self, candidate: NodeId) {
        self.vote_state.voted_for = Some(candidate);
        self.outbox.vote_state_changed();
        self.vote_changed = true;
    }

    /// Whether a leader leads undisputed: then no candidate may disturb it, so that nodes which
    /// cannot hear it do no harm (dissertation §4.2.3). A leader itself gives way to silence only.
    fn hears_leader(&self, now: Now) -> bool {
        let silence = now.monotonic.since(self.election.heard);
        self.is_leader() || (self.leader.is_some() && silence < self.election.shortest)
    }

    pub(super) fn on_request_vote(&mut self, now: Now, from: NodeId, request: &RaftRequestVote) {
        let up_to_date = (request.last_term, request.last_index)
            >= (self.log.last_term(), self.log.last().index)
            || mutation::active(Mutation::RaftVotesForStaleLog);
        let hears_leader = self.hears_leader(now);
        if request.pre_vote {
            let granted = request.term > self.term() && up_to_date && !hears_leader;
            let term = if granted { request.term } else { self.term() };
            let after = self.disk.vote_barrier();
            return self.answer_vote(from, term, true, granted, after);
        }
        if request.term > self.term() {
            if hears_leader {
                return;
            }
            self.step_down(now, request.term, None);
        }
        let free = match self.vote_state.voted_for {
            Some(candidate) => candidate == from,
            None => self.leader.is_none(),
        } || mutation::active(Mutation::RaftVotesTwice);
        let granted = request.term == self.term() && free && up_to_date;
        if granted {
            if self.vote_state.voted_for != Some(from) {
                self.vote_for(from);
            }
            self.election.draw(now.monotonic);
        }
        let after = self.flush();
        let after = after.filter(|_| !mutation::active(Mutation::RaftVoteBeforeWrite));
        self.answer_vote(from, self.term(), false, granted, after);
    }

    fn answer_vote(
        &mut self,
        to: NodeId,
        term: Term,
        pre_vote: bool,
        granted: bool,
        after: Option<WriteId>,
    ) {
        let vote = RaftVote {
            epoch: self.epoch(),
            term,
            pre_vote,
            granted,
        };
        self.outbox.send(Recipient::Node(to), vote, after);
    }

    pub(super) fn on_vote(&mut self, now: Now, from: NodeId, vote: &RaftVote) {
        let asked = match &self.part {
            Part::PreCandidate(_) => vote.pre_vote && vote.term == self.term().next(),
            Part::Candidate(_) => !vote.pre_vote && vote.term == self.term(),
            Part::Follower | Part::Leader(_) => false,
        };
        if vote.granted {
            if asked {
                self.count_vote(now, from, true);
            }
        } else if vote.term > self.term() {
            self.step_down(now, vote.term, None);
        } else if vote.term == self.term()
            && vote.pre_vote == matches!(self.part, Part::PreCandidate(_))
        {
            self.count_vote(now, from, mutation::active(Mutation::RaftRefusalCounts));
        }
    }

    /// Learns from a leader's message that there is one.
    pub(super) fn follow(&mut self, now: Now, term: Term, leader: NodeId, base: Point) {
        let new = term > self.term() || self.leader != Some(leader);
        self.step_down(now, term, Some(leader));
        self.election.heard(now.monotonic);
        if new {
            self.notice(Notice::Elected { term, leader, base });
        }
    }
}
