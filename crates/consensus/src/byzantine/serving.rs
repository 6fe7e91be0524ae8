//! Giving entries to whoever asks (P3.7), within an allowance (P12.1).

use std::{collections::BTreeMap, sync::Arc};

use super::Byzantine;
use crate::{
    certificate::QuorumCertificate,
    entry::Entry,
    event::{Output, Recipient},
    limits,
    message::{Fetch, FetchReply},
    types::{NodeId, Point, Time},
};

/// What a question costs at least, in bytes of the allowance.
const QUESTION_COST: usize = 16 * 1024;
/// What reading from disk costs besides what is sent.
const READ_COST: usize = limits::MESSAGE_BYTES / 4;

/// How much each peer may still be sent. A question is small and its answer may be large, so that
/// a traitor could otherwise keep a node and its network busy with nothing but answers.
#[derive(Debug, Default)]
pub(super) struct Allowances(BTreeMap<NodeId, Allowance>);

#[derive(Clone, Copy, Debug)]
struct Allowance {
    bytes: usize,
    refilled: Time,
}

impl Allowances {
    /// Whether `peer` may be answered; a question that may not is dropped, and asked again later
    /// or elsewhere by whoever needs the answer.
    fn may_ask(&mut self, peer: NodeId, now: Time) -> bool {
        let full = Allowance {
            bytes: limits::SERVED_BURST_BYTES,
            refilled: now,
        };
        let allowance = self.0.entry(peer).or_insert(full);
        let passed = now.since(allowance.refilled).0;
        let refill = passed.saturating_mul(limits::SERVED_BYTES_PER_SECOND) / 1_000_000;
        if refill > 0 {
            allowance.refilled = now;
            allowance.bytes = allowance
                .bytes
                .saturating_add(usize::try_from(refill).unwrap_or(usize::MAX))
                .min(limits::SERVED_BURST_BYTES);
        }
        let may = allowance.bytes >= QUESTION_COST;
        self.spend(peer, if may { QUESTION_COST } else { 0 });
        may
    }

    fn spend(&mut self, peer: NodeId, bytes: usize) {
        if let Some(allowance) = self.0.get_mut(&peer) {
            allowance.bytes = allowance.bytes.saturating_sub(bytes);
        }
    }
}

impl Byzantine {
    pub(super) fn fetch_received(&mut self, from: NodeId, fetch: &Fetch) {
        if !self.allowances.may_ask(from, self.now.monotonic) {
            return;
        }
        let found = match fetch.target {
            Some(target) => self.entries_to(fetch.from, target),
            None if fetch.from.index < self.log.before().index => {
                self.read_for(from, fetch.from);
                return;
            }
            None => self.entries_after(fetch.from),
        };
        let Some(entries) = found else {
            if fetch.from.index < self.log.before().index {
                self.read_for(from, fetch.from);
            }
            return;
        };
        let commit = entries.last().and_then(|last| {
            self.certificates
                .range(fetch.from.index.next()..=last.index())
                .next_back()
                .map(|(_, certificate)| (**certificate).clone())
        });
        self.reply(from, fetch.from, fetch.target, entries, commit);
    }

    /// Entries that are on disk only.
    fn read_for(&mut self, to: NodeId, from: Point) {
        self.allowances.spend(to, READ_COST);
        self.out.push(Output::ReadEntries { to, from });
    }

    /// The last entries after `from` up to `target`, on whatever branch that is: as many as fit.
    /// The asker then asks for what leads to the first of them.
    fn entries_to(&self, from: Point, target: Point) -> Option<Vec<Arc<Entry>>> {
        if let Some(losing) = self.side.as_ref().and_then(|side| side.up_to(target)) {
            let asked = losing.iter().rev();
            let mut last = bounded(asked.take_while(|entry| entry.index() > from.index));
            last.reverse();
            return Some(last).filter(|entries| !entries.is_empty());
        }
        let (fork, path) = self.path(target).ok()?;
        if from.index < self.log.before().index || from.index >= target.index {
            return None;
        }
        let on_chain = self
            .log
            .after(from.index)
            .take_while(|entry| entry.index() <= fork.index);
        let beside = path.iter().filter(|entry| entry.index() > from.index);
        let all: Vec<&Arc<Entry>> = on_chain.chain(beside).collect();
        let mut last = bounded(all.into_iter().rev());
        last.reverse();
        Some(last)
    }

    fn entries_after(&self, from: Point) -> Option<Vec<Arc<Entry>>> {
        (from.index >= self.log.before().index)
            .then(|| bounded(self.log.after(from.index)))
            .filter(|entries| !entries.is_empty())
    }

    pub(super) fn entries_read(
        &mut self,
        to: NodeId,
        from: Point,
        entries: Vec<Arc<Entry>>,
        commit: Option<QuorumCertificate>,
    ) {
        self.reply(to, from, None, entries, commit);
    }

    fn reply(
        &mut self,
        to: NodeId,
        from: Point,
        target: Option<Point>,
        entries: Vec<Arc<Entry>>,
        commit: Option<QuorumCertificate>,
    ) {
        let bytes = entries.iter().map(|entry| entry.body_bytes()).sum();
        self.allowances.spend(to, bytes);
        let reply = FetchReply {
            epoch: self.configuration().epoch(),
            from,
            target,
            entries,
            commit,
        };
        self.out.send(Recipient::Node(to), reply, None);
    }
}

/// As many entries as fit a message.
fn bounded<'a>(entries: impl Iterator<Item = &'a Arc<Entry>>) -> Vec<Arc<Entry>> {
    let mut bytes = 0;
    entries
        .take(limits::MESSAGE_ENTRIES)
        .take_while(|entry| {
            let first = bytes == 0;
            bytes += entry.body_bytes().max(1);
            first || bytes <= limits::MESSAGE_BYTES
        })
        .cloned()
        .collect()
}
