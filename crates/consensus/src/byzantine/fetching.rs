//! Getting what is missing from whoever has it (P3.7).

use std::{collections::BTreeMap, sync::Arc};

use super::Byzantine;
use crate::{
    certificate::QuorumCertificate,
    entry::Entry,
    event::Recipient,
    limits,
    message::FetchReply,
    mode::FaultModel,
    types::{NodeId, Point, Time},
};

/// Most questions under way at once: one for each peer that shows something, and those for a
/// certificate and for a base. With fewer, peers that show what nobody has would keep others' waiting.
const OPEN_FETCHES: usize = FaultModel::MOST_VALIDATORS + 2;

#[derive(Debug)]
struct Open {
    asked: NodeId,
    since: Time,
}

/// Questions under way, and heads that others were seen to have.
#[derive(Debug, Default)]
pub(super) struct Fetches {
    open: BTreeMap<Option<Point>, Open>,
    /// Per peer, a point beyond the own chain that it showed, and when.
    ahead: BTreeMap<NodeId, (Point, Time)>,
    /// How often each target was asked for: picks the next peer. Of its own for each target, and
    /// stepped through so that every peer has its turn: what one correct node holds is found.
    tries: BTreeMap<Option<Point>, usize>,
}

impl Fetches {
    /// Notes that `peer` has entries up to `point`. The first such point stays until it is
    /// reached: entries that are just on their way are not asked for.
    pub(super) fn ahead(&mut self, peer: NodeId, point: Point, now: Time) {
        self.ahead.entry(peer).or_insert((point, now));
    }

    /// When a question is to be asked again elsewhere.
    pub(super) fn deadline(&self, now: Time) -> Option<Time> {
        let again = self
            .open
            .values()
            .map(|open| open.since.after(limits::FETCH_TIMEOUT));
        let first = self
            .ahead
            .values()
            .map(|(_, since)| since.after(limits::FETCH_GRACE))
            .filter(|due| *due > now);
        again.chain(first).min()
    }
}

impl Byzantine {
    /// Asks for what the state shows to be missing, each thing once at a time.
    pub(super) fn request_missing(&mut self) {
        let now = self.now.monotonic;
        let (head, commit) = (self.log.last().index, self.commit.index);
        self.fetches
            .ahead
            .retain(|_, (point, _)| point.index > head && point.index > commit);
        let needs = self.needs();
        self.fetches.open.retain(|target, open| {
            needs.iter().any(|(needed, _)| needed == target)
                && open.since.after(limits::FETCH_TIMEOUT) > now
        });
        // Each target once, in the order of the needs, with everybody who showed it.
        let mut targets: Vec<(Option<Point>, Vec<NodeId>)> = Vec::new();
        for (target, hint) in needs {
            let hint = hint.filter(|hint| *hint != self.me());
            match targets.iter_mut().find(|(known, _)| *known == target) {
                Some((_, hints)) => hints.extend(hint),
                None => targets.push((target, Vec::from_iter(hint))),
            }
        }
        self.fetches
            .tries
            .retain(|target, _| targets.iter().any(|(needed, _)| needed == target));
        for (target, hints) in targets {
            self.ask(target, &hints);
        }
    }

    /// What is missing, each with who is likely to have it. `None` stands for whatever follows the
    /// commit point.
    fn needs(&self) -> Vec<(Option<Point>, Option<NodeId>)> {
        let mut needs = Vec::new();
        if !self.application_keeps_up() {
            return needs;
        }
        let mut need = |point: Point, hint: Option<NodeId>| {
            if point.index.beyond(self.commit.index) > 2 * limits::WINDOW {
                needs.push((None, hint));
            } else if let Err(missing) = self.path(point) {
                needs.push((Some(missing), hint));
            }
        };
        if let Some((wanted, since)) = &self.wanted
            && since.after(limits::FETCH_GRACE) <= self.now.monotonic
        {
            need(wanted.point(self.configuration()), None);
        }
        if !self.adopted() {
            if let Some(election) = &self.election {
                need(election.base(), Some(self.leader()));
            }
        } else if self.side.is_none() {
            for (&peer, &(point, since)) in &self.fetches.ahead {
                if since.after(limits::FETCH_GRACE) <= self.now.monotonic {
                    need(point, Some(peer));
                }
            }
        }
        for (reporter, point) in self.missing_bodies() {
            needs.push((Some(point), Some(reporter)));
        }
        needs
    }

    /// Asks one peer: one of those who showed the target, and every third time one of all, as
    /// those may hold it back (attack "withheld bodies").
    fn ask(&mut self, target: Option<Point>, hints: &[NodeId]) {
        if self.fetches.open.len() >= OPEN_FETCHES || self.fetches.open.contains_key(&target) {
            return;
        }
        let others: Vec<NodeId> = self
            .configuration()
            .sizes()
            .nodes()
            .filter(|&node| node != self.me())
            .collect();
        if others.is_empty() {
            return;
        }
        let tries = self.fetches.tries.entry(target).or_default();
        let turn = *tries;
        *tries += 1;
        let (round, place) = (turn / 3, turn % 3);
        let peer = match hints.len() {
            0 => others[turn % others.len()],
            _ if place == 2 => others[round % others.len()],
            shown => hints[(2 * round + place) % shown],
        };
        let from = match target {
            // Now and then from the commit point again: what follows it here may be a dead branch.
            None if turn % 4 != 3 => self.branches.furthest(self.commit),
            None | Some(_) => self.commit,
        };
        let fetch = self.fetch_from(target, from);
        self.fetches.open.insert(
            target,
            Open {
                asked: peer,
                since: self.now.monotonic,
            },
        );
        self.out.send(Recipient::Node(peer), fetch, None);
    }

    pub(super) fn fetch_reply(&mut self, from: NodeId, reply: FetchReply) {
        for entry in &reply.entries {
            self.witness_entry(entry);
        }
        let leads_to = |point: Point| {
            reply
                .entries
                .last()
                .is_some_and(|last| last.point() == point)
        };
        let answers = match reply.target {
            // Linked up to what is missing, it holds nothing else.
            Some(target) => self.fetches.open.contains_key(&Some(target)) && leads_to(target),
            // Who reads from disk answers along the chain, whatever was the target.
            None => self.fetches.open.values().any(|open| open.asked == from),
        };
        // An answer that brings nothing new is not followed by another question at once. One that
        // does ends the question: a peer cannot fill this node's memory in answer to one.
        if answers && self.keep(&reply.entries) {
            self.fetches.open.retain(|target, open| match reply.target {
                Some(_) => *target != reply.target,
                None => open.asked != from,
            });
        }
        if let Some(commit) = reply.commit {
            self.learn_nearer_commit(commit);
        }
        if reply.entries.is_empty() {
            // It has nothing for us: no longer a reason to ask it.
            self.fetches.ahead.remove(&from);
        }
    }

    /// While catching up, a certificate nearer than the wanted one, for entries that are here,
    /// is worth following at once.
    fn learn_nearer_commit(&mut self, certificate: QuorumCertificate) {
        self.witness_certificate(&certificate);
        let point = certificate.point(self.configuration());
        if point.index > self.commit.index
            && certificate.commits(self.configuration().sizes())
            && self.path(point).is_ok()
        {
            let further = self.wanted.replace((certificate, self.now.monotonic));
            self.install_wanted();
            if let Some((further, _)) = further {
                self.learn_commit(Some(further));
            }
        } else {
            self.learn_commit(Some(certificate));
        }
    }

    /// An entry that is here, on the chain or beside it.
    pub(super) fn entry(&self, point: Point) -> Option<&Arc<Entry>> {
        self.log
            .get(point.index)
            .filter(|entry| entry.point() == point)
            .or_else(|| self.branches.get(point))
            .or_else(|| self.side.as_ref().and_then(|side| side.get(point)))
    }

    /// The entries that lead from the chain to `point`, and the point of the chain that they hang
    /// from; or, if some are missing, the highest point known to lack its entry.
    pub(super) fn path(&self, point: Point) -> Result<(Point, Vec<Arc<Entry>>), Point> {
        let mut path = Vec::new();
        let mut at = point;
        while !self.log.contains(at) {
            let entry = self.entry(at).ok_or(at)?;
            path.push(Arc::clone(entry));
            at = entry.previous();
        }
        path.reverse();
        Ok((at, path))
    }
}
