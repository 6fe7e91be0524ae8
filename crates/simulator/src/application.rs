//! What the entries do: payments between accounts, each at most once (P6.5).

use std::collections::BTreeMap;

use consensus::{
    Admittance, Configuration, Entry, Event, Hash, Index, Request, RequestKey, entry::EntryKind,
    hashing::tagged_hash, message::Applied,
};

use crate::{client::ACCOUNTS, payload};

/// What every account starts with.
const OPENING_BALANCE: u64 = 1_000;

/// How a payment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Result {
    /// Paid.
    Paid,
    /// The payer had too little.
    TooLittle,
}

/// Where a payment was executed first, and how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outcome {
    /// The entry.
    pub index: Index,
    /// The result.
    pub result: Result,
}

/// One node's executed state.
#[derive(Clone, Debug)]
pub struct Application {
    balances: BTreeMap<u16, u64>,
    outcomes: BTreeMap<RequestKey, Outcome>,
    applied: Applied,
}

impl Application {
    /// The state before the first entry.
    #[must_use]
    pub const fn new(configuration: &Configuration) -> Self {
        Self {
            balances: BTreeMap::new(),
            outcomes: BTreeMap::new(),
            applied: Applied {
                index: configuration.opening().index,
                digest: Hash([0; 32]),
            },
        }
    }

    /// A defect: what was executed so far gave other results.
    pub const fn corrupt(&mut self) {
        self.applied.digest.0[0] ^= 1;
    }

    /// How far it executed.
    #[must_use]
    pub const fn applied(&self) -> Applied {
        self.applied
    }

    /// What became of a request, if it was executed.
    #[must_use]
    pub fn outcome(&self, key: &RequestKey) -> Option<Outcome> {
        self.outcomes.get(key).copied()
    }

    /// Whether this state would execute a request, and not refuse it at once (P6.2).
    #[must_use]
    pub fn admission(&self, key: &RequestKey) -> Admittance {
        if self.outcomes.contains_key(key) {
            Admittance::Settled
        } else if payload::client_of(&key.account) >= ACCOUNTS {
            Admittance::Refused
        } else {
            Admittance::Admitted
        }
    }

    /// Its answer to a replica that asks about requests that wait.
    #[must_use]
    pub fn judge(&self, requests: &[Request]) -> Event {
        let judge = |request: &Request| (request.key(), self.admission(&request.key()));
        Event::Judged {
            as_of: self.applied.index,
            verdicts: requests.iter().map(judge).collect(),
        }
    }

    /// Executes the next entry and returns what became of its requests; a repeated one gets its
    /// first outcome again.
    pub fn execute(&mut self, entry: &Entry) -> Vec<(RequestKey, Outcome)> {
        let mut results = Vec::new();
        if entry.header().kind == EntryKind::Transactions {
            for payload in &entry.payloads {
                results.extend(self.pay(entry.index(), payload));
            }
        }
        let encoded: Vec<u8> = results
            .iter()
            .flat_map(|(_, outcome)| {
                let mut bytes = [0; 9];
                bytes[..8].copy_from_slice(&outcome.index.0.to_le_bytes());
                bytes[8] = outcome.result as u8;
                bytes
            })
            .collect();
        self.applied = Applied {
            index: entry.index(),
            digest: tagged_hash(
                "simulator/results",
                &[
                    &self.applied.digest.0,
                    &entry.index().0.to_le_bytes(),
                    &encoded,
                ],
            ),
        };
        results
    }

    fn pay(&mut self, index: Index, payload: &[u8]) -> Option<(RequestKey, Outcome)> {
        let payment = payload::read(payload)?;
        let key = RequestKey {
            account: payload::account(payment.from),
            nonce: payment.nonce,
        };
        if let Some(&first) = self.outcomes.get(&key) {
            return Some((key, first));
        }
        let amount = u64::from(payment.amount);
        let payer = self.balance(payment.from);
        let result = if *payer < amount {
            Result::TooLittle
        } else {
            *payer -= amount;
            *self.balance(payment.to) += amount;
            Result::Paid
        };
        let outcome = Outcome { index, result };
        self.outcomes.insert(key, outcome);
        Some((key, outcome))
    }

    fn balance(&mut self, client: u16) -> &mut u64 {
        self.balances.entry(client).or_insert(OPENING_BALANCE)
    }
}
