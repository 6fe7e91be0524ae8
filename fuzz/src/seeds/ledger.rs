//! Transactions of every kind, entries of them, results, questions and answers.

use consensus::{Hash, PublicKey, encoding::Canonical};
use keys::Address;
use ledger::{Ledger, Operation, Query, Reference, Transaction, TransactionResult};

use super::Seeds;
use crate::{
    input::block,
    network::{configuration, genesis, key},
    target::ledger::entry,
};

fn address(name: &str) -> Address {
    key(name).public_key().address()
}

fn public(name: &str) -> PublicKey {
    PublicKey(*key(name).public_key().as_bytes())
}

/// A signed transaction of that account.
pub(super) fn signed(name: &str, nonce: u64, operations: Vec<Operation>) -> Vec<u8> {
    let transaction = Transaction {
        network: Hash(genesis().id()),
        account: address(name),
        key: public(name),
        opened: Hash::default(),
        nonce,
        valid_until: 1000,
        salt: 0x0807_0605_0403_0201,
        reference: (nonce == 1).then_some(Reference {
            name: [4; 32],
            since: 0,
        }),
        memo: "a memo".to_owned(),
        operations,
    };
    transaction.sign(key(name).signing_key()).to_bytes()
}

/// A transfer of that many cents from alice to bob.
pub(super) fn transfer(amount: u64) -> Operation {
    Operation::Transfer {
        to: address("bob"),
        asset: "USD".parse().expect("a code"),
        amount,
    }
}

pub(super) fn add(seeds: &mut Seeds) {
    let issue = Operation::Issue {
        to: address("bob"),
        asset: "EUR".parse().expect("a code"),
        amount: 9,
    };
    let open = |name: Option<&str>| Operation::OpenAccount {
        key: public("dora"),
        name: name.map(str::to_owned),
    };
    let payloads = [
        ("transfer", signed("alice", 0, vec![transfer(5)])),
        (
            "two-transfers",
            signed("alice", 1, vec![transfer(1), transfer(2)]),
        ),
        ("too-much", signed("alice", 2, vec![transfer(1 << 40)])),
        ("issue", signed("admin", 0, vec![issue])),
        ("open", signed("admin", 1, vec![open(Some("dora"))])),
        ("open-nameless", signed("admin", 2, vec![open(None)])),
    ];
    let mut together = vec![u8::try_from(payloads.len() - 1).expect("few")];
    let mut ledger = Ledger::new(genesis(), configuration());
    for (name, payload) in &payloads {
        seeds.add("transaction", *name, payload.clone());
        let mut alone = vec![0];
        block(&mut alone, payload);
        seeds.add("execution", *name, alone);
        block(&mut together, payload);
        let applied = ledger.apply(&entry(&ledger, vec![payload.as_slice().into()]));
        for outcome in applied.outcomes {
            let result = TransactionResult::from_bytes(&outcome.result);
            seeds.add("result", *name, result.expect("a result").to_bytes());
        }
    }
    // Twice: what is repeated does nothing.
    let repeated = [together.clone(), together].concat();
    let again = ledger.apply(&entry(&ledger, vec![payloads[1].1.as_slice().into()]));
    seeds.add("result", "repeated", again.outcomes[0].result.clone());
    seeds.add("execution", "together", repeated);
    questions(seeds, &ledger, &payloads[0].1);
}

fn questions(seeds: &mut Seeds, ledger: &Ledger, payload: &[u8]) {
    let transaction = ledger::SignedTransaction::from_bytes(payload).expect("a transaction");
    let alice = address("alice");
    let questions = [
        ("account", Query::Account { account: alice }),
        (
            "named",
            Query::AccountNamed {
                name: "bob".to_owned(),
            },
        ),
        (
            "balance",
            Query::Balance {
                account: alice,
                asset: "USD".parse().expect("a code"),
            },
        ),
        (
            "accounts",
            Query::Accounts {
                after: None,
                limit: 9,
            },
        ),
        (
            "later-accounts",
            Query::Accounts {
                after: Some(alice),
                limit: 1,
            },
        ),
        (
            "transaction",
            Query::Transaction {
                id: transaction.transaction.id(),
            },
        ),
        ("block", Query::Block { index: 1 }),
        ("supply", Query::Supply),
    ];
    for (name, question) in questions {
        seeds.add("query", name, question.to_bytes());
        seeds.add("answer", name, ledger.query(&question.to_bytes()));
    }
}
