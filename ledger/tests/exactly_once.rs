//! The ledger beside a model of it that is slow, simple and forgets nothing, over streams longer than
//! every memory that the ledger has (P6.5): transactions of every kind, and everything that was ever
//! made, sent again at any time by anybody who kept it.

mod common;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use common::{Network, address, asset, public};
use consensus::{
    Entry, EntryHeader, EntryKind, Epoch, Hash, Index, Point, Signature, SignedHeader, Term,
    encoding::Canonical, merkle,
};
use ledger::{
    Operation, Outcome, Reference, RejectionCode as Code, SignedTransaction, Transaction,
    TransactionResult,
    limits::{NONCE_WINDOW, REFERENCES_PER_ACCOUNT, RETAINED_TRANSACTIONS, VALIDITY_ENTRIES},
};

/// What the rules say becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Applied,
    Repeat,
    Rejected(Code),
}

#[derive(Default)]
struct ModelAccount {
    opened: Hash,
    dollars: u64,
    /// Every nonce that was ever settled by a transaction.
    settled: BTreeSet<u64>,
    /// What was done under each reference, and where it stands among them.
    references: HashMap<[u8; 32], (Hash, u64, usize)>,
}

/// All accounts, and all that ever happened.
#[derive(Default)]
struct Model {
    accounts: BTreeMap<&'static str, ModelAccount>,
    /// All that was said of each transaction.
    history: HashMap<Hash, Vec<Said>>,
}

impl Model {
    fn execute(&mut self, who: &'static str, one: &Transaction, at: u64, entry: Hash) -> Said {
        let said = self.judge(who, one, at, entry);
        let before = self.history.entry(one.id()).or_default();
        // What the rule is for: no result contradicts an earlier one.
        let applied = before.contains(&Said::Applied);
        let rejected = before.iter().any(|said| matches!(said, Said::Rejected(_)));
        match said {
            Said::Applied => assert!(!applied && !rejected, "{one:?} is applied after {before:?}"),
            Said::Rejected(code) => assert!(!applied, "{one:?} is {code} after {before:?}"),
            Said::Repeat => {}
        }
        before.push(said);
        said
    }

    fn judge(&mut self, who: &'static str, one: &Transaction, at: u64, entry: Hash) -> Said {
        let Some(account) = self.accounts.get_mut(who) else {
            return Said::Rejected(Code::UnknownAccount);
        };
        if one.key != public(who) {
            return Said::Rejected(Code::WrongKey);
        }
        if one.opened != account.opened {
            return Said::Rejected(Code::OtherOpening);
        }
        let below = |nonce: &u64| nonce + NONCE_WINDOW > *account.settled.last().unwrap_or(&0);
        if account.settled.contains(&one.nonce) || !below(&one.nonce) {
            return Said::Repeat;
        }
        if one.valid_until < at {
            return Said::Rejected(Code::Expired);
        }
        account.settled.insert(one.nonce);
        if one.valid_until - at > VALIDITY_ENTRIES {
            return Said::Rejected(Code::ValidityTooLong);
        }
        let count = account.references.len();
        if let Some(reference) = &one.reference {
            if let Some((content, _, number)) = account.references.get(&reference.name) {
                if count - number > REFERENCES_PER_ACCOUNT {
                    return Said::Rejected(Code::ReferenceTooOld);
                }
                return match *content == one.content() {
                    true => Said::Repeat,
                    false => Said::Rejected(Code::ReferenceConflict),
                };
            }
            let oldest = count.checked_sub(REFERENCES_PER_ACCOUNT + 1);
            let forgotten = account
                .references
                .values()
                .find(|taken| Some(taken.2) == oldest);
            if reference.since >= at || forgotten.is_some_and(|taken| reference.since < taken.1) {
                return Said::Rejected(Code::ReferenceTooOld);
            }
        }
        let Some(operation) = one.operations.first() else {
            return Said::Applied;
        };
        match operation {
            Operation::Transfer { amount, .. } => {
                let Some(left) = account.dollars.checked_sub(*amount) else {
                    return Said::Rejected(Code::InsufficientFunds);
                };
                account.dollars = left;
                if let Some(reference) = one.reference {
                    let taken = (one.content(), at, count);
                    account.references.insert(reference.name, taken);
                }
                self.accounts.get_mut("bob").unwrap().dollars += amount;
            }
            Operation::OpenAccount { .. } => {
                if self.accounts.contains_key("dave") {
                    return Said::Rejected(Code::AccountExists);
                }
                let opened = ModelAccount {
                    opened: entry,
                    ..ModelAccount::default()
                };
                self.accounts.insert("dave", opened);
            }
            Operation::Issue { amount, .. } => {
                self.accounts.get_mut("alice").unwrap().dollars += amount;
            }
        }
        Said::Applied
    }
}

/// A small generator of the same numbers on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

struct Stream {
    network: Network,
    model: Model,
    random: Random,
    last: Point,
    /// Everything that was ever made, with whose it pretends to be.
    made: Vec<(&'static str, Transaction)>,
    nonces: BTreeMap<&'static str, u64>,
    references: u64,
}

impl Stream {
    fn new(seed: u64) -> Self {
        let network = Network::byzantine();
        let mut model = Model::default();
        for (name, dollars) in [("alice", 1000), ("bob", 0), ("admin", 0)] {
            let account = ModelAccount {
                dollars,
                ..ModelAccount::default()
            };
            model.accounts.insert(name, account);
        }
        Self {
            last: network.configuration.opening(),
            network,
            model,
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            made: Vec::new(),
            nonces: BTreeMap::new(),
            references: 0,
        }
    }

    fn operation(&self, who: &str, amount: u64) -> Operation {
        let usd = asset("USD");
        match (who, amount % 3) {
            ("admin", 0) => Operation::OpenAccount {
                key: public("dave"),
                name: None,
            },
            ("admin", _) => Operation::Issue {
                to: address("alice"),
                asset: usd,
                amount,
            },
            _ => Operation::Transfer {
                to: address("bob"),
                asset: usd,
                amount,
            },
        }
    }

    fn make(&mut self) -> (&'static str, Transaction) {
        let random = &mut self.random;
        let at = self.last.index.0 + 1;
        let who = match random.below(20) {
            0 if at > 40 => "admin",
            1 | 2 => "dave",
            _ => "alice",
        };
        let next = self.nonces.entry(who).or_default();
        let nonce = match random.below(60) {
            0 => *next + random.below(4 * NONCE_WINDOW),
            1 => random.below(*next + 1),
            2..8 => *next + random.below(NONCE_WINDOW / 2),
            _ => {
                *next += 1;
                *next - 1
            }
        };
        *next = (*next).max(nonce.saturating_sub(NONCE_WINDOW / 2));
        let valid_until = match random.below(40) {
            0 => at.saturating_sub(random.below(3)),
            1 => at + VALIDITY_ENTRIES + random.below(200),
            2 => u64::MAX,
            3..6 => at + random.below(20),
            _ => at + VALIDITY_ENTRIES / 2,
        };
        let named = random.below(4);
        let reference = (who == "alice" && named > 0).then(|| {
            // One that is new, or was used lately or long ago.
            let number = match named {
                1 => random.below(self.references + 1),
                _ => {
                    self.references += 1;
                    self.references
                }
            };
            let name = consensus::hashing::tagged_hash("test", &[&number.to_le_bytes()]).0;
            let taken = &self.model.accounts["alice"].references;
            let since = match taken.get(&name) {
                // It looked in time, or too early.
                Some((_, index, _)) => index - 1,
                None if random.one_in(30) => random.below(at + 2),
                None => at - 1,
            };
            Reference { name, since }
        });
        let opened = match self.model.accounts.get(who) {
            Some(account) if !random.one_in(30) => account.opened,
            _ => Hash([u8::try_from(random.below(2)).unwrap(); 32]),
        };
        let key = match random.one_in(40) {
            true => public("carol"),
            false => public(who),
        };
        let amount = match random.below(10) {
            0 => 1 << 50,
            _ => 1 + random.below(3),
        };
        let transaction = Transaction {
            network: self.network.ledger.network(),
            account: address(who),
            key,
            opened,
            nonce,
            valid_until,
            salt: 0,
            reference,
            memo: String::new(),
            operations: vec![self.operation(who, amount)],
        };
        (who, transaction)
    }

    /// Executes an entry on both, and compares all that they say.
    fn execute(&mut self, transactions: &[(&'static str, Transaction)]) {
        let payloads: Vec<std::sync::Arc<[u8]>> = transactions
            .iter()
            .map(|(_, transaction)| {
                // Execution leaves signatures to the judgement of payloads.
                let signed = SignedTransaction {
                    transaction: transaction.clone(),
                    signature: Signature::NONE,
                };
                signed.to_bytes().into()
            })
            .collect();
        let configuration = &self.network.configuration;
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: Epoch::ZERO,
            term: Term::ZERO,
            index: self.last.index.next(),
            author: configuration.leader(Term::ZERO),
            previous: self.last.hash,
            body_root: merkle::root(&payloads),
            count: u32::try_from(payloads.len()).unwrap(),
            timestamp: 1_700_000_000_000,
        };
        let signature = Signature::NONE;
        let entry = Entry::new(configuration, SignedHeader { header, signature }, payloads);
        self.last = entry.point();
        let done = self.network.ledger.apply(&entry);
        for (outcome, (who, transaction)) in done.outcomes.iter().zip(transactions) {
            let result = TransactionResult::from_bytes(&outcome.result).unwrap();
            let said = match result.outcome {
                Outcome::Applied => Said::Applied,
                Outcome::Repeat => Said::Repeat,
                Outcome::Rejected(rejection) => Said::Rejected(rejection.code),
            };
            let Index(at) = self.last.index;
            let expected = self.model.execute(who, transaction, at, self.last.hash);
            assert_eq!(said, expected, "entry {at}: {transaction:?}");
        }
        if transactions.is_empty() {
            return;
        }
        for (name, account) in &self.model.accounts {
            assert_eq!(self.network.balance(name, "USD"), account.dollars, "{name}");
        }
    }

    fn run(&mut self, entries: u64) {
        for _ in 0..entries {
            let count = self.random.below(6);
            let mut transactions = Vec::new();
            for _ in 0..count {
                let kept = self.made.len() as u64;
                if kept > 0 && self.random.one_in(3) {
                    // Somebody kept it: from any time, or from a moment ago.
                    let reach = match self.random.one_in(2) {
                        true => kept,
                        false => kept.min(50),
                    };
                    let at = usize::try_from(kept - 1 - self.random.below(reach)).unwrap();
                    transactions.push(self.made[at].clone());
                } else {
                    let new = self.make();
                    self.made.push(new.clone());
                    transactions.push(new);
                }
            }
            self.execute(&transactions);
        }
    }
}

#[test]
fn no_result_contradicts_an_earlier_one_however_long_ago() {
    for seed in 1..=2 {
        let mut stream = Stream::new(seed);
        stream.run(9_000);
        let model = &stream.model;
        let applied = |said: &&Vec<Said>| said.contains(&Said::Applied);
        let count = model.history.values().filter(applied).count();
        // The stream is what it is meant to be: longer than every memory but the validity's.
        assert!(model.history.len() > RETAINED_TRANSACTIONS, "{seed}");
        assert!(model.accounts["alice"].references.len() > REFERENCES_PER_ACCOUNT + 500);
        assert!(model.accounts["dave"].settled.len() > 100 && count > 6_000);
        let said: BTreeSet<String> = model
            .history
            .values()
            .flatten()
            .map(|said| format!("{said:?}"))
            .collect();
        assert_eq!(said.len(), 11, "{said:?}");
        if seed > 1 {
            continue;
        }
        // Longer than a validity can be; and then everything is sent once more.
        for _ in 0..=VALIDITY_ENTRIES {
            stream.execute(&[]);
        }
        let made = stream.made.clone();
        for chunk in made.chunks(1000) {
            stream.execute(chunk);
        }
    }
}
