//! What the leader of a term does (P3.1, P3.8).

use std::sync::Arc;

use super::Byzantine;
use crate::{
    encoding::Canonical,
    entry::{Entry, EntryKind},
    event::Recipient,
    limits,
    message::{AppendEntries, Heartbeat, Reason, TermRecord},
    mutation::{self, Mutation},
    types::{Point, Term},
};

/// While this many entries are uncommitted, a new one waits until it is worth it.
const PIPELINED_ENTRIES: u64 = 2;
/// A batch of this many requests is worth an entry at any time.
const FULL_BATCH: usize = limits::ENTRY_PAYLOADS / 2;
/// Most bytes of one entry of requests.
const ENTRY_ROOM: u64 = (limits::ENTRY_BYTES + limits::PAYLOAD_BYTES) as u64;

impl Byzantine {
    /// Whether this node creates entries in its term.
    pub(super) fn is_leader(&self) -> bool {
        self.leads_term() && self.adopted() && self.side.is_none() && self.led_write.is_some()
    }

    pub(super) fn lead(&mut self) {
        if !self.leads_term() || !self.adopted() || self.side.is_some() {
            return;
        }
        if self.led_write.is_none() && !self.begin_term() {
            return;
        }
        self.propose();
        if self.heartbeat_due <= self.now.monotonic {
            self.send_heartbeat();
        }
    }

    /// Makes `led` durable and creates the term's record. Refuses if an earlier run of this node
    /// may have created entries in this term already (P3.8).
    fn begin_term(&mut self) -> bool {
        let term = self.state.term;
        let record = match (&self.election, &self.candidacy.request) {
            _ if self.has_led() || self.term_has_entries() => None,
            (None, _) if term == Term::ZERO => Some(TermRecord::default()),
            (Some(election), Some((request, _))) if request.grant() == election.grant => {
                Some(TermRecord {
                    election: Some(election.clone()),
                    reports: request.reports.clone(),
                })
            }
            _ => None,
        };
        let Some(record) = record else {
            self.suspect(Reason::Restarted);
            return false;
        };
        self.change_state(|state| state.led = Some(term));
        self.led_write = Some(self.flush());
        self.requests.pending.restart(&self.in_chain);
        let entry = self.out.create_entry_of(
            EntryKind::TermRecord,
            term,
            (self.log.last(), self.log.last_timestamp()),
            vec![Arc::from(record.to_bytes())],
            Vec::new(),
            self.now,
        );
        let previous = self.log.last();
        self.accept_one(&entry);
        self.broadcast(previous, vec![entry]);
        self.send_heartbeat();
        true
    }

    /// Whether this node created entries in its term, in this run or before.
    pub(super) fn has_led(&self) -> bool {
        self.state.led == Some(self.state.term) && !mutation::active(Mutation::LedForgotten)
    }

    /// Puts waiting requests into entries, at most W and as many bytes beyond the commit point as
    /// others accept (P3.2, 3). With few entries in
    /// flight at once; otherwise batches grow until they are full or a commit makes room.
    fn propose(&mut self) {
        let previous = self.log.last();
        let mut entries = Vec::new();
        let mut bytes = 0;
        loop {
            let in_flight = self.log.last().index.beyond(self.commit.index);
            let waiting = self.requests.pending.unproposed();
            let worth_it = in_flight < PIPELINED_ENTRIES || waiting >= FULL_BATCH;
            if waiting == 0
                || !worth_it
                || in_flight >= limits::WINDOW
                || self.bytes_in_flight() + ENTRY_ROOM > limits::WINDOW_BYTES
                || entries.len() >= limits::MESSAGE_ENTRIES
                || bytes >= limits::MESSAGE_BYTES
                || !self.application_keeps_up()
            {
                break;
            }
            let first = self.requests.first();
            let mut batch = self.requests.pending.propose_with(first);
            // Another one under the key may settle the nonce: this one is judged once that is applied.
            batch.retain(|(key, _)| {
                !self.in_chain.contains(key) && !self.requests.may_be_settled(key)
            });
            if batch.is_empty() {
                continue;
            }
            let entry = self.out.create_entry(
                EntryKind::Transactions,
                self.state.term,
                (self.log.last(), self.log.last_timestamp()),
                batch,
                self.now,
            );
            self.accept_one(&entry);
            bytes += entry.body_bytes();
            entries.push(entry);
        }
        if !entries.is_empty() {
            self.broadcast(previous, entries);
        }
    }

    /// AppendEntries waits for `led` only; the leader's own vote waits for the entry's write like
    /// everyone's (P3.8).
    fn broadcast(&mut self, previous: Point, entries: Vec<Arc<Entry>>) {
        // The proof of the term travels with its first entries; later it is in the heartbeats.
        let opens = entries
            .first()
            .is_some_and(|entry| entry.header().kind == EntryKind::TermRecord);
        let append = AppendEntries {
            epoch: self.configuration().epoch(),
            term: self.state.term,
            previous,
            entries,
            commit: None,
            election: self.election.clone().filter(|_| opens),
        };
        let after = self.led_write;
        self.out.send(Recipient::Others, append, after);
    }

    fn send_heartbeat(&mut self) {
        let term = self.state.term;
        let everybody_voted = self
            .configuration()
            .sizes()
            .nodes()
            .all(|node| self.votes.voted(node, term));
        let heartbeat = Heartbeat {
            epoch: self.configuration().epoch(),
            term,
            head: self.log.last(),
            commit: self
                .certificate
                .as_ref()
                .map(|certificate| (**certificate).clone()),
            election: self.election.clone().filter(|_| !everybody_voted),
        };
        self.out.send(Recipient::Others, heartbeat, self.led_write);
        self.heartbeat_due = self.now.monotonic.after(self.out.setup.timers.heartbeat);
    }
}
