//! Sending entries, accepting them, acknowledging them to everybody.

use super::super::log::{Entry, next};
use super::super::message::{
    AppendEntries, AppendEntriesResponse, Command, Message, NodeId, Signed, Votes,
};
use super::{Node, Role};

impl Node {
    pub(super) fn on_command(&mut self, command: &Command) {
        if self.role != Role::Leader {
            return;
        }
        self.log.push(Entry::new(self.term, command.value.clone()));
        self.send_entries_to_all();
        self.acknowledge_to_all();
        self.advance_commit();
    }

    pub(super) fn send_entries_to_all(&mut self) {
        self.others().for_each(|node| self.send_entries(node));
    }

    fn send_entries(&mut self, to: NodeId) {
        let next_index = self.next_index.get(&to).copied().unwrap_or_default();
        let previous = self.log.before(next_index);
        let convinced = self.convinced.contains(&to);
        let append = AppendEntries {
            term: self.term,
            leader: self.id,
            previous,
            entries: self.log.after(previous.index).to_vec(),
            votes: if convinced {
                Votes::new()
            } else {
                self.votes_received.clone()
            },
        };
        self.send(to, Message::AppendEntries(Signed::new(self.id, append)));
    }

    pub(super) fn on_append_entries(&mut self, append: &AppendEntries) {
        self.consider_leader(append.leader, append.term, &append.votes);
        if self.ignores_leader {
            return;
        }
        if self.leader != Some(append.leader) || append.term != self.term {
            if append.term >= self.term {
                self.acknowledge(append.leader, false, false);
            }
            return;
        }
        self.lazy_vote = None;
        if !self.holds_previous(append) {
            self.acknowledge(append.leader, false, true);
            if self.reading.acknowledges_after_refusal() {
                self.acknowledge_to_all();
            }
        } else if self.accept_entries(append) {
            self.acknowledge_to_all();
            self.advance_commit();
        }
    }

    fn holds_previous(&self, append: &AppendEntries) -> bool {
        let Some(index) = append.previous.index else {
            return true;
        };
        self.log.at(index).is_some_and(|own| {
            if self.reading.checks_previous_hash() {
                own.hash == append.previous.hash
            } else {
                own.term == append.previous.term
            }
        })
    }

    /// Puts the entries into the log; `false` if the reading refuses to rewrite what they would.
    fn accept_entries(&mut self, append: &AppendEntries) -> bool {
        let previous = append.previous.index;
        if self.reading.keeps_agreeing_and_committed_entries() {
            let own = self.log.after(previous);
            let pairs = own.iter().zip(&append.entries);
            let agreeing = pairs.take_while(|(own, sent)| own == sent).count();
            if agreeing == append.entries.len() {
                return true;
            }
            if next(previous) + agreeing < next(self.commit_index) {
                return false;
            }
        }
        self.log.replace_after(previous, &append.entries);
        true
    }

    fn acknowledgement(&self, success: bool, convinced: bool) -> AppendEntriesResponse {
        let last = self.log.last();
        AppendEntriesResponse {
            term: self.term,
            node: self.id,
            success,
            convinced,
            index: last.index,
            hash: last.hash,
        }
    }

    fn acknowledge(&mut self, to: NodeId, success: bool, convinced: bool) {
        let body = self.acknowledgement(success, convinced);
        self.send(
            to,
            Message::AppendEntriesResponse(Signed::new(self.id, body)),
        );
    }

    fn acknowledge_to_all(&mut self) {
        self.others()
            .for_each(|node| self.acknowledge(node, true, true));
        self.record_own_acknowledgement(self.acknowledgement(true, true));
    }

    pub(super) fn on_acknowledgement(&mut self, response: &AppendEntriesResponse) {
        self.record_acknowledgement(response);
        self.advance_commit();
        if self.role == Role::Leader {
            self.track_follower(response);
        }
    }

    /// As leader: learns what a follower holds and whether it needs the election proof again.
    fn track_follower(&mut self, response: &AppendEntriesResponse) {
        let node = response.node;
        if !response.convinced && response.term <= self.term {
            self.convinced.remove(&node);
        }
        if response.convinced && response.term == self.term {
            if response.success {
                self.next_index.insert(node, next(response.index));
                self.convinced.insert(node);
            } else if self.reading.steps_back_one_entry() {
                let next_index = self.next_index.entry(node).or_default();
                *next_index = next_index.saturating_sub(1);
            } else {
                self.next_index
                    .insert(node, response.index.unwrap_or_default());
            }
        }
        if !(response.convinced && response.success) && self.reading.steps_back_one_entry() {
            self.send_entries(node);
        }
    }
}
