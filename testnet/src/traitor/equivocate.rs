//! Tells different nodes different things. As leader it signs a second entry beside each of its
//! own, without the last payment (or of another time, if there is just one), and shows that branch to some nodes only. As follower it forks
//! its votes: some nodes get one for an entry that does not exist beside the true one.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use consensus::{
    Entry, EntryHeader, EntryKind, Hash, Message, NodeId, Point, Recipient, Term,
    message::{AppendEntries, FetchReply, Heartbeat, RaftAppend, Vote},
};
use node::{Behaviour, Context, Verdict};

use super::{
    Kind,
    double_vote::turned,
    tools::{self, Instead, is_victim, recipients, sign},
};

pub const KIND: Kind = Kind {
    name: "equivocate",
    mark: "hawser-testnet-traitor/equivocate",
    summary: "shows some nodes other entries (as leader) or other votes (as follower)",
    contained: "The ledger stays one. The two signed statements are evidence that anybody can \
                check: see `ledger evidence list`. A leader that is caught is deposed.",
    unchecked: "If it leads, some nodes commit another ledger, in which payments are missing: \
                `testnet status` shows at which entry they part. Raft cannot notice. To make a node \
                the leader: `testnet lead NODE`.",
    takes_account: false,
    make: |_| Box::new(Equivocate::default()),
};

/// Entries of the second branch that are remembered.
const REMEMBERED: usize = 4096;

#[derive(Default)]
struct Equivocate {
    /// The entry of the second branch beside each entry of the first.
    beside: BTreeMap<Hash, Arc<Entry>>,
    /// The same by its own hash.
    second: BTreeMap<Hash, Arc<Entry>>,
    order: VecDeque<(Hash, Hash)>,
    fetches: Vec<(NodeId, Arc<Message>)>,
}

impl Equivocate {
    /// Makes the entry beside `entry`, if that is the traitor's own of its term.
    fn fork(&mut self, context: &Context<'_>, term: Term, entry: &Entry) {
        let header = entry.header();
        let mine = header.author == context.me
            && header.term == term
            && header.kind == EntryKind::Transactions;
        let first = entry.point().hash;
        if !mine || self.beside.contains_key(&first) {
            return;
        }
        let mut payloads = entry.payloads.clone();
        // Nobody takes an empty entry (P3.2).
        let alone = payloads.len() == 1;
        if !alone {
            payloads.pop();
        }
        let header = EntryHeader {
            previous: self.mapped_hash(header.previous),
            timestamp: header.timestamp + u64::from(alone),
            ..header.clone()
        };
        let Some(second) = tools::entry(context, header, payloads) else {
            return;
        };
        self.order.push_back((first, second.point().hash));
        self.second.insert(second.point().hash, Arc::clone(&second));
        self.beside.insert(first, second);
        if self.order.len() > REMEMBERED
            && let Some((first, second)) = self.order.pop_front()
        {
            self.beside.remove(&first);
            self.second.remove(&second);
        }
    }

    fn mapped_hash(&self, hash: Hash) -> Hash {
        self.beside
            .get(&hash)
            .map_or(hash, |entry| entry.point().hash)
    }

    fn mapped(&self, point: Point) -> Point {
        Point {
            hash: self.mapped_hash(point.hash),
            ..point
        }
    }

    fn mapped_entries(&self, entries: &[Arc<Entry>]) -> Vec<Arc<Entry>> {
        let second = |entry: &Arc<Entry>| {
            let beside = self.beside.get(&entry.point().hash);
            Arc::clone(beside.unwrap_or(entry))
        };
        entries.iter().map(second).collect()
    }

    /// What the victims get in place of a message, if it is one that can be forked.
    fn second_version(&mut self, context: &Context<'_>, message: &Message) -> Option<Arc<Message>> {
        Some(match message {
            Message::AppendEntries(signed) => {
                for entry in &signed.body.entries {
                    self.fork(context, signed.body.term, entry);
                }
                let body = AppendEntries {
                    previous: self.mapped(signed.body.previous),
                    entries: self.mapped_entries(&signed.body.entries),
                    ..signed.body.clone()
                };
                sign(context, body)
            }
            Message::RaftAppend(signed) => {
                for entry in &signed.body.entries {
                    self.fork(context, signed.body.term, entry);
                }
                let body = RaftAppend {
                    previous: self.mapped(signed.body.previous),
                    entries: self.mapped_entries(&signed.body.entries),
                    ..signed.body.clone()
                };
                sign(context, body)
            }
            Message::Heartbeat(signed) => {
                let body = Heartbeat {
                    head: self.mapped(signed.body.head),
                    ..signed.body.clone()
                };
                sign(context, body)
            }
            _ => return None,
        })
    }

    /// The forked vote: for the second branch where the traitor made one, else for nothing real.
    fn second_vote(&self, vote: &Vote) -> Option<Vote> {
        let accepted = vote.accepted?;
        let mapped = self.mapped(accepted);
        let other = if mapped == accepted {
            turned(accepted)
        } else {
            mapped
        };
        Some(Vote {
            accepted: Some(other),
            locked: vote.locked.map(|point| self.mapped(point)),
            ..vote.clone()
        })
    }

    /// The entries of the second branch that lead from `from` to `target`.
    fn path(&self, from: Point, target: Point) -> Option<Vec<Arc<Entry>>> {
        let mut path = Vec::new();
        let mut hash = target.hash;
        while hash != from.hash {
            let entry = self.second.get(&hash)?;
            path.push(Arc::clone(entry));
            hash = entry.header().previous;
        }
        path.reverse();
        (!path.is_empty()).then_some(path)
    }
}

impl Behaviour for Equivocate {
    fn name(&self) -> &'static str {
        KIND.name
    }

    fn outgoing(
        &mut self,
        context: &Context<'_>,
        to: Recipient,
        message: &Arc<Message>,
    ) -> Option<Instead> {
        let receivers = recipients(context, to);
        if let Message::Vote(signed) = &**message {
            let second = sign(context, self.second_vote(&signed.body)?);
            let mut instead = Vec::new();
            for node in receivers {
                // Both, so that somebody can hold them side by side.
                if is_victim(context, node) {
                    instead.push((Recipient::Node(node), Arc::clone(&second)));
                }
                instead.push((Recipient::Node(node), Arc::clone(message)));
            }
            return Some(instead);
        }
        let second = self.second_version(context, message)?;
        let shown = receivers.into_iter().map(|node| {
            let version = if is_victim(context, node) {
                &second
            } else {
                message
            };
            (Recipient::Node(node), Arc::clone(version))
        });
        Some(shown.collect())
    }

    /// Hands out the second branch to who asks for it; the node itself does not know it.
    fn incoming(&mut self, context: &Context<'_>, from: NodeId, message: &Message) -> Verdict {
        let Message::Fetch(signed) = message else {
            return Verdict::Allow;
        };
        let start = signed.body.from;
        let path = signed
            .body
            .target
            .and_then(|target| self.path(start, target));
        let Some(entries) = path else {
            return Verdict::Allow;
        };
        let reply = FetchReply {
            epoch: signed.body.epoch,
            from: start,
            target: signed.body.target,
            entries,
            commit: None,
        };
        if self.fetches.len() < REMEMBERED {
            self.fetches.push((from, sign(context, reply)));
        }
        Verdict::Drop
    }

    fn tick(&mut self, _: &Context<'_>) -> Instead {
        let fetches = std::mem::take(&mut self.fetches);
        let addressed = fetches.into_iter();
        addressed
            .map(|(node, reply)| (Recipient::Node(node), reply))
            .collect()
    }
}
