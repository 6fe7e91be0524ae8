//! Whatever is executed, money is conserved and nothing happens twice.

mod common;

use std::sync::Arc;

use common::{Network, asset, code, issue, open, transfer};
use ledger::{Operation, Outcome};
use proptest::prelude::*;

const NAMES: [&str; 5] = ["alice", "bob", "carol", "admin", "dave"];

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(NAMES.to_vec())
}

fn amount() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0..400_u64,
        1 => any::<u64>(),
        1 => Just(u64::MAX),
        1 => Just(u64::MAX - 1007),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (name(), amount()).prop_map(|(to, amount)| transfer(to, amount)),
        2 => (name(), amount()).prop_map(|(to, amount)| issue(to, amount)),
        1 => (name(), prop::option::of(name())).prop_map(|(key, name)| open(key, name)),
    ]
}

#[derive(Clone, Debug)]
struct Step {
    name: &'static str,
    operations: Vec<Operation>,
    nonce: u64,
    reference: Option<u8>,
    repeat: Option<prop::sample::Index>,
}

fn step() -> impl Strategy<Value = Step> {
    let operations = prop::collection::vec(operation(), 1..5);
    let reference = prop::option::weighted(0.2, 0..3_u8);
    let repeat = prop::option::weighted(0.2, any::<prop::sample::Index>());
    (name(), operations, 0..30_u64, reference, repeat).prop_map(
        |(name, operations, nonce, reference, repeat)| Step {
            name,
            operations,
            nonce,
            reference,
            repeat,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn supply_is_conserved_and_rejections_change_nothing(
        entries in prop::collection::vec(prop::collection::vec(step(), 0..6), 1..12),
    ) {
        let mut network = Network::byzantine();
        let mut seen: Vec<Arc<[u8]>> = Vec::new();
        let mut used = std::collections::BTreeSet::new();
        for steps in entries {
            for step in steps {
                let payload = match step.repeat {
                    Some(index) if !seen.is_empty() => Arc::clone(index.get(&seen)),
                    _ => {
                        let mut transaction = network.transaction(step.name, step.operations);
                        transaction.nonce = step.nonce;
                        transaction.reference = step.reference.map(|byte| ledger::Reference {
                            name: [byte; 32],
                            since: 0,
                        });
                        network.sign(step.name, transaction)
                    }
                };
                seen.push(Arc::clone(&payload));
                let before = network.ledger.state().clone();
                // This also audits the ledger.
                let result = network.apply_one(Arc::clone(&payload));
                let after = network.ledger.state();
                let changed = NAMES.iter().any(|name| {
                    let held = |state: &ledger::State| {
                        let account = state.account(&common::address(name));
                        account.map(|account| account.balances.clone())
                    };
                    held(&before) != held(after)
                }) || before.assets() != after.assets();
                let acts = result.repeats.is_none() && result.outcome == Outcome::Applied;
                prop_assert!(acts || !changed, "{:?}", code(&result));
                if acts {
                    let signed = ledger::SignedTransaction::read(&network.ledger.network(), &payload);
                    let transaction = signed.unwrap().transaction;
                    prop_assert!(used.insert((transaction.account, transaction.nonce)));
                    if let Some(ledger::Reference { name: [byte, ..], .. }) = transaction.reference {
                        prop_assert!(used.insert((transaction.account, u64::MAX - u64::from(byte))));
                    }
                }
            }
        }
        let supply = network.ledger.state().assets()[&asset("EUR")].supply;
        prop_assert_eq!(supply, 5);
    }
}
