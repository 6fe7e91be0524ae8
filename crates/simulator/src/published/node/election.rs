//! Standing, voting, winning, and believing that somebody else has won.

use std::collections::BTreeSet;

use super::super::message::{
    Message, NodeId, RequestVote, RequestVoteResponse, Signed, Term, Votes,
};
use super::super::rules::VoteRule;
use super::{Node, Role};

impl Node {
    pub(super) fn become_candidate(&mut self) {
        self.role = Role::Candidate;
        // The programs' integers wrap; so must these.
        self.term = self.term.wrapping_add(1);
        self.voted_for = Some(self.id);
        let own = self.vote(self.id, true);
        self.votes_received = [own].into();

        let last = self.log.last();
        let request = RequestVote {
            term: self.term,
            candidate: self.id,
            last_term: last.term,
            last_index: last.index,
            hashes: self.log.hashes().to_vec(),
        };
        let message = Message::RequestVote(Signed::new(self.id, request));
        self.others()
            .for_each(|node| self.send(node, message.clone()));
    }

    pub(super) fn on_request_vote(&mut self, request: &RequestVote) {
        let candidate = request.candidate;
        if self.ignores_leader && self.leader == Some(candidate) {
            return;
        }
        if request.term < self.term {
            return self.answer_candidate(candidate, false);
        }
        if request.term == self.term
            && let Some(chosen) = self.voted_for
        {
            return self.answer_candidate(candidate, chosen == candidate);
        }
        if !self.may_vote_for(request) {
            return self.answer_candidate(candidate, false);
        }
        if self.lazy_vote.is_none_or(|(term, _)| term < request.term) {
            self.lazy_vote = Some((request.term, candidate));
        }
    }

    fn may_vote_for(&self, request: &RequestVote) -> bool {
        let near = match self.reading.term_step_limit() {
            Some(limit) => request.term <= self.term.saturating_add(limit),
            None => true,
        };
        let last = self.log.last();
        let up_to_date = (request.last_term, request.last_index) >= (last.term, last.index);
        near && match self.reading.vote_rule() {
            VoteRule::UpToDate => up_to_date,
            VoteRule::UpToDateAndNoShorter => up_to_date && request.last_index >= last.index,
            VoteRule::ContainsCommitted => self.commit_index.is_none_or(|committed| {
                request.hashes.get(committed) == self.log.hashes().get(committed)
            }),
        }
    }

    pub(super) fn answer_candidate(&mut self, candidate: NodeId, granted: bool) {
        let vote = self.vote(candidate, granted);
        self.send(candidate, Message::RequestVoteResponse(vote));
    }

    /// Signs a vote in the current term, and notes it down if it is a yes.
    fn vote(&mut self, candidate: NodeId, granted: bool) -> Signed<RequestVoteResponse> {
        if granted {
            self.grants.entry(self.term).or_default().insert(candidate);
        }
        let reports_index = self.reading.reverts_runaway_candidate();
        let body = RequestVoteResponse {
            term: self.term,
            voter: self.id,
            granted,
            candidate,
            last_index: self.log.last().index.filter(|_| reports_index),
        };
        Signed::new(self.id, body)
    }

    pub(super) fn on_vote(&mut self, vote: &Signed<RequestVoteResponse>) {
        if self.role != Role::Candidate {
            return;
        }
        if vote.body.term == self.term {
            if vote.body.granted {
                self.votes_received.insert(vote.clone());
                self.check_election();
            }
        } else if vote.body.term < self.term
            && vote.body.last_index > self.log.last().index
            && self.reading.reverts_runaway_candidate()
        {
            self.revert_to_last_entry();
        }
    }

    fn revert_to_last_entry(&mut self) {
        self.role = Role::Follower;
        self.leader = None;
        self.ignores_leader = false;
        self.term = self.log.last().term;
        self.voted_for = None;
        self.votes_received.clear();
    }

    fn check_election(&mut self) {
        let votes = if self.reading.proof_needs_distinct_granted_votes() {
            BTreeSet::from_iter(self.votes_received.iter().map(|vote| vote.body.voter)).len()
        } else {
            self.votes_received.len()
        };
        if votes >= self.quorum() {
            self.become_leader();
        }
    }

    fn become_leader(&mut self) {
        self.role = Role::Leader;
        self.leader = Some(self.id);
        self.next_index = self.others().map(|node| (node, self.log.len())).collect();
        self.convinced.clear();
        self.send_entries_to_all();
    }

    /// Follows `leader` in `term` if `votes` prove its election.
    pub(super) fn consider_leader(&mut self, leader: NodeId, term: Term, votes: &Votes) {
        let known = term == self.term && self.leader == Some(leader);
        if known || term < self.term || !self.proves_election(leader, term, votes) {
            return;
        }
        self.term = term;
        self.leader = Some(leader);
        self.ignores_leader = false;
        if self.reading.steps_down_for_proved_leader() && leader != self.id {
            self.role = Role::Follower;
        }
    }

    fn proves_election(&self, leader: NodeId, term: Term, votes: &Votes) -> bool {
        let valid = |vote: &&Signed<RequestVoteResponse>| {
            let signed = vote.signer == vote.body.voter || !self.reading.binds_body_to_signer();
            signed && vote.body.candidate == leader && vote.body.term == term
        };
        if self.reading.proof_needs_distinct_granted_votes() {
            let granted = votes.iter().filter(valid).filter(|vote| vote.body.granted);
            let voters = BTreeSet::from_iter(granted.map(|vote| vote.body.voter));
            voters.len() >= self.quorum()
        } else {
            votes.len() >= self.quorum() && votes.iter().all(|vote| valid(&vote))
        }
    }
}
