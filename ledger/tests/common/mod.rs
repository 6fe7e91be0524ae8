//! A small network by hand: genesis, signed transactions, entries, votes.

#![allow(dead_code)]

pub mod vectors;

use std::{collections::BTreeMap, sync::Arc};

use consensus::{
    Configuration, Entry, EntryHeader, EntryKind, Epoch, Hash, Index, NodeId, Point, PublicKey,
    Signature, Signed, SignedHeader, Signer, Term,
    certificate::{Counted, QuorumCertificate},
    encoding::Canonical,
    merkle,
    message::{AppendOutcome, Applied, RaftAppendReply, Vote},
};
use keys::{Account, Address, Asset, Genesis, GenesisFile, Incarnation, KeyPair, Mode, Validator};
use ledger::{
    AssetCode, Ledger, Operation, Outcome, RejectionCode, Transaction, TransactionResult,
    receipt::{ReceiptParts, ResultParts},
};

pub fn asset(code: &str) -> AssetCode {
    code.parse().unwrap()
}

pub fn key(name: &str) -> KeyPair {
    KeyPair::from_seed(name)
}

pub fn address(name: &str) -> Address {
    key(name).public_key().address()
}

pub fn public(name: &str) -> PublicKey {
    PublicKey(*key(name).public_key().as_bytes())
}

pub fn genesis_of(mode: Mode, validators: usize) -> Genesis {
    let account = |name: &str, dollars: u64, euros: u64| Account {
        name: name.to_owned(),
        key: key(name).public_key(),
        balances: BTreeMap::from([("USD".to_owned(), dollars), ("EUR".to_owned(), euros)]),
    };
    let asset = |code: &str| Asset {
        code: code.to_owned(),
        decimals: 2,
    };
    Genesis::new(GenesisFile {
        format: 1,
        network: "test".to_owned(),
        mode,
        client_checks: None,
        access: keys::Access::Anybody,
        created_unix_ms: 1_700_000_000_000,
        validators: (0..validators)
            .map(|index| Validator {
                name: format!("n{index}"),
                key: key(&format!("n{index}")).validator_key(),
                incarnation: Incarnation::from_seed(&format!("n{index}")).hash(),
                address: format!("127.0.0.1:{}", 4100 + index).parse().unwrap(),
            })
            .collect(),
        admin: key("admin").public_key(),
        assets: vec![asset("USD"), asset("EUR")],
        accounts: vec![
            account("alice", 1000, 5),
            account("bob", 0, 0),
            account("carol", 7, 0),
        ],
        readers: Vec::new(),
    })
    .unwrap()
}

/// A ledger with the entries that were executed on it.
pub struct Network {
    pub genesis: Genesis,
    pub configuration: Arc<Configuration>,
    pub ledger: Ledger,
    pub entries: Vec<Entry>,
    pub applied: Vec<Applied>,
    nonces: BTreeMap<String, u64>,
}

impl Network {
    pub fn new(mode: Mode, validators: usize) -> Self {
        let genesis = genesis_of(mode, validators);
        let configuration = Arc::new(node::configuration(&genesis, None).unwrap());
        Self {
            ledger: Ledger::new(&genesis, &configuration),
            genesis,
            configuration,
            entries: Vec::new(),
            applied: Vec::new(),
            nonces: BTreeMap::new(),
        }
    }

    pub fn byzantine() -> Self {
        Self::new(Mode::Byzantine, 4)
    }

    /// The entry that opened the account; zeros if it stands in genesis or is not open.
    pub fn opened(&self, name: &str) -> Hash {
        let account = self.ledger.state().account(&address(name));
        account.map_or(Hash::default(), |account| account.opened)
    }

    /// A transaction of the account under its next nonce.
    pub fn transaction(&mut self, name: &str, operations: Vec<Operation>) -> Transaction {
        let nonce = self.nonces.entry(name.to_owned()).or_default();
        *nonce += 1;
        let nonce = *nonce - 1;
        Transaction {
            network: self.ledger.network(),
            account: address(name),
            key: public(name),
            opened: self.opened(name),
            nonce,
            valid_until: 1000,
            salt: 0,
            reference: None,
            memo: String::new(),
            operations,
        }
    }

    pub fn sign(&self, name: &str, transaction: Transaction) -> Arc<[u8]> {
        transaction.sign(key(name).signing_key()).to_bytes().into()
    }

    pub fn pay(&mut self, from: &str, to: &str, amount: u64) -> Arc<[u8]> {
        let transaction = self.transaction(from, vec![transfer(to, amount)]);
        self.sign(from, transaction)
    }

    pub fn make_entry(&self, term: Term, payloads: Vec<Arc<[u8]>>) -> Entry {
        let opening = self.configuration.opening();
        let last = self.entries.last().map_or(opening, Entry::point);
        let header = EntryHeader {
            kind: EntryKind::Transactions,
            epoch: Epoch::ZERO,
            term,
            index: last.index.next(),
            author: self.configuration.leader(term),
            previous: last.hash,
            body_root: merkle::root(&payloads),
            count: u32::try_from(payloads.len()).unwrap(),
            timestamp: 1_700_000_000_000 + last.index.0,
        };
        let hash = header.hash(&self.configuration);
        let digest = EntryHeader::signing_digest(&self.configuration, Epoch::ZERO, &hash);
        let signature = if self.configuration.mode().signs() {
            validator(header.author).signing_key().sign(&digest)
        } else {
            Signature::NONE
        };
        let signed = SignedHeader { header, signature };
        Entry::new(&self.configuration, signed, payloads)
    }

    pub fn apply_in(&mut self, term: Term, payloads: Vec<Arc<[u8]>>) -> node::AppliedEntry {
        let entry = self.make_entry(term, payloads);
        let applied = self.ledger.apply(&entry);
        assert_eq!(self.ledger.audit(), Ok(()));
        self.applied.push(applied.applied);
        self.entries.push(entry);
        applied
    }

    pub fn apply(&mut self, payloads: Vec<Arc<[u8]>>) -> Vec<TransactionResult> {
        self.apply_in(Term(0), payloads)
            .outcomes
            .iter()
            .map(|outcome| TransactionResult::from_bytes(&outcome.result).unwrap())
            .collect()
    }

    pub fn apply_one(&mut self, payload: Arc<[u8]>) -> TransactionResult {
        self.apply(vec![payload]).remove(0)
    }

    pub fn balance(&self, name: &str, code: &str) -> u64 {
        let account = self.ledger.state().account(&address(name)).unwrap();
        account.balance(asset(code))
    }

    pub fn next_nonce(&self, name: &str) -> u64 {
        let account = self.ledger.state().account(&address(name)).unwrap();
        account.nonces.lowest()
    }

    /// Everything that a node knows about a transaction, but for what others signed.
    pub fn parts(&self, index: u64, position: u32) -> ReceiptParts {
        let entry = &self.entries[usize::try_from(index).unwrap() - 1];
        let executed = self.ledger.executed(index).unwrap();
        let results: Vec<&[u8]> = executed.result_bytes().collect();
        let at = position as usize;
        ReceiptParts {
            payload: entry.payloads[at].to_vec(),
            position,
            path: merkle::path(&entry.payloads, at).unwrap(),
            header: entry.signed.clone(),
            following: self.headers_after(index),
            commit: None,
            acknowledgements: Vec::new(),
            result: Some(ResultParts {
                bytes: results[at].to_vec(),
                path: merkle::path(&results, at).unwrap(),
                digest_before: executed.digest_before,
                roots: (index..)
                    .map_while(|at| Some(self.ledger.executed(at)?.results_root))
                    .collect(),
                votes: Vec::new(),
            }),
        }
    }

    pub fn headers_after(&self, index: u64) -> Vec<SignedHeader> {
        let after = usize::try_from(index).unwrap();
        self.entries[after..]
            .iter()
            .map(|entry| entry.signed.clone())
            .collect()
    }

    pub fn vote(&self, signer: u16, term: Term, accepted: Point, applied: Applied) -> Signed<Vote> {
        let vote = Vote {
            epoch: Epoch::ZERO,
            term,
            accepted: Some(accepted),
            locked: None,
            applied: Some(applied),
        };
        let signer = NodeId(signer);
        let key = validator(signer);
        Signed::new(&self.configuration, signer, key.signing_key(), vote)
    }

    /// A certificate of the first validators, by votes for the entry at `index`.
    pub fn certificate(&self, index: u64, signers: u16) -> QuorumCertificate {
        let entry = &self.entries[usize::try_from(index).unwrap() - 1];
        let applied = Applied {
            index: Index::ZERO,
            digest: Hash::default(),
        };
        QuorumCertificate {
            counted: Counted::Accepted,
            header: entry.header().clone(),
            following: Vec::new(),
            votes: (0..signers)
                .map(|signer| self.vote(signer, entry.term(), entry.point(), applied))
                .collect(),
        }
    }

    pub fn reply(&self, signer: u16, term: Term, matched: Point) -> Signed<RaftAppendReply> {
        let reply = RaftAppendReply {
            epoch: Epoch::ZERO,
            term,
            round: 1,
            outcome: AppendOutcome::Matched(matched),
        };
        let signer = NodeId(signer);
        let key = validator(signer);
        Signed::new(&self.configuration, signer, key.signing_key(), reply)
    }
}

pub fn validator(node: NodeId) -> KeyPair {
    key(&format!("n{}", node.0))
}

pub fn transfer(to: &str, amount: u64) -> Operation {
    Operation::Transfer {
        to: address(to),
        asset: asset("USD"),
        amount,
    }
}

pub fn issue(to: &str, amount: u64) -> Operation {
    Operation::Issue {
        to: address(to),
        asset: asset("USD"),
        amount,
    }
}

pub fn open(key: &str, name: Option<&str>) -> Operation {
    Operation::OpenAccount {
        key: public(key),
        name: name.map(str::to_owned),
    }
}

pub fn code(result: &TransactionResult) -> Option<RejectionCode> {
    match &result.outcome {
        Outcome::Applied | Outcome::Repeat => None,
        Outcome::Rejected(rejection) => Some(rejection.code),
    }
}
