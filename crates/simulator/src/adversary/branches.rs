//! What Byzantine nodes know together: the second branches that their leaders signed, and who is to
//! see which.

use std::{collections::BTreeMap, sync::Arc};

use consensus::{Entry, Hash, NodeId, Point, SignedHeader, Term, certificate::ElectionCertificate};

use crate::{
    client::ACCOUNTS,
    payload::{Payment, PaymentSeal},
    random::mix,
};

/// Entries of second branches that are remembered.
const REMEMBERED: usize = 4_096;

/// Entries that one Byzantine leader signed and nobody can adopt, and what came of them.
pub struct DeadBase {
    /// The term whose leader signed them.
    pub term: Term,
    /// The entry that they hang from.
    pub root: Point,
    /// They, lowest first.
    pub entries: Vec<Arc<Entry>>,
    /// The election certificate for the last of them as base, once there is one.
    pub election: Option<ElectionCertificate>,
}

impl DeadBase {
    /// The last of the entries.
    #[must_use]
    pub fn point(&self) -> Point {
        self.entries.last().map_or(self.root, |last| last.point())
    }

    /// The term of the pair that reports show it with.
    #[must_use]
    pub fn reported_term(&self) -> Term {
        self.election
            .as_ref()
            .map_or(self.term, ElectionCertificate::term)
    }

    /// The headers of the entries.
    pub fn headers(&self) -> impl Iterator<Item = &SignedHeader> {
        self.entries.iter().map(|entry| &entry.signed)
    }
}

/// Accounts of clients that do what Byzantine nodes want.
const COLLUDING: u16 = 16;

/// Shared by all Byzantine nodes of a run.
pub struct Coalition {
    seed: u64,
    /// Of the clients that collude. It seals nothing for others.
    seal: PaymentSeal,
    /// How often each of them paid.
    nonces: [u64; COLLUDING as usize],
    turn: u16,
    /// The base that its members report, if they got one elected that is of use to them.
    pub dead_base: Option<DeadBase>,
    /// The entry of the second branch beside each entry of the first.
    beside: BTreeMap<Hash, Arc<Entry>>,
    /// Entries of second branches by their hash.
    second: BTreeMap<Hash, Arc<Entry>>,
}

impl Coalition {
    /// A coalition whose choices follow from `seed`.
    #[must_use]
    pub const fn new(seed: u64, seal: PaymentSeal) -> Self {
        Self {
            seed,
            seal,
            nonces: [0; COLLUDING as usize],
            turn: 0,
            dead_base: None,
            beside: BTreeMap::new(),
            second: BTreeMap::new(),
        }
    }

    /// A new payment of a client that colludes, with so many bytes of filler.
    pub fn payment(&mut self, filler: usize) -> Arc<[u8]> {
        self.turn = (self.turn + 1) % COLLUDING;
        let nonce = &mut self.nonces[usize::from(self.turn)];
        let payment = Payment {
            from: ACCOUNTS + self.turn,
            nonce: *nonce,
            to: 0,
            amount: 0,
        };
        *nonce += 1;
        self.seal.seal_with(&payment, filler)
    }

    /// Whether a node is shown the second branch in a term. Half of the time that is one node only.
    #[must_use]
    pub fn is_victim(&self, term: Term, node: NodeId, nodes: usize) -> bool {
        let chosen = mix(self.seed ^ mix(term.0));
        if chosen & 1 == 0 {
            (chosen >> 1) % nodes as u64 == u64::from(node.0)
        } else {
            mix(chosen ^ u64::from(node.0)) & 1 == 0
        }
    }

    /// Remembers that `second` stands beside the entry `first`.
    pub fn add(&mut self, first: Hash, second: Arc<Entry>) {
        if self.beside.len() == REMEMBERED {
            self.beside.clear();
            self.second.clear();
        }
        self.second.insert(second.point().hash, Arc::clone(&second));
        self.beside.insert(first, second);
    }

    /// The entry that stands beside this one, if there is one.
    #[must_use]
    pub fn beside(&self, first: Hash) -> Option<&Arc<Entry>> {
        self.beside.get(&first)
    }

    /// The point of the second branch that stands beside this one, or the point itself.
    #[must_use]
    pub fn mapped(&self, point: Point) -> Point {
        self.beside(point.hash).map_or(point, |entry| entry.point())
    }

    /// The entries of a second branch that lead from `from` to `target`, if that is one.
    #[must_use]
    pub fn path(&self, from: Point, target: Point) -> Option<Vec<Arc<Entry>>> {
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
