//! Reads of executed state.

mod common;

use std::collections::BTreeMap;

use common::{Network, address, asset, issue, open};
use ledger::{Answer, Outcome, Place, Query};

fn ask(network: &Network, query: &Query) -> Answer {
    let answer = Answer::from_bytes(&network.ledger.query(&query.to_bytes())).unwrap();
    let response = network.ledger.answer(query);
    assert_eq!(response.applied, network.ledger.applied().index.0);
    assert_eq!(response.answer, answer);
    answer
}

#[test]
fn accounts_and_balances_are_told() {
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 250);
    network.apply_one(payment);
    let account = address("alice");
    let Answer::Account(Some(alice)) = ask(&network, &Query::Account { account }) else {
        panic!("alice exists");
    };
    assert_eq!((alice.account, alice.next_nonce), (account, 1));
    assert_eq!(alice.name.as_deref(), Some("alice"));
    assert!(!alice.admin && alice.used_ahead.is_empty());
    let expected = BTreeMap::from([(asset("USD"), 750), (asset("EUR"), 5)]);
    assert_eq!(alice.balances, expected);
    let name = "alice".to_owned();
    let named = ask(&network, &Query::AccountNamed { name });
    assert_eq!(named, Answer::Account(Some(alice)));

    let balance = |name: &str, code: &str| {
        let (account, asset) = (address(name), asset(code));
        ask(&network, &Query::Balance { account, asset })
    };
    assert_eq!(balance("bob", "USD"), Answer::Balance(Some(250)));
    assert_eq!(balance("bob", "EUR"), Answer::Balance(Some(0)));
    assert_eq!(balance("bob", "XXX"), Answer::Balance(None));
    assert_eq!(balance("dave", "USD"), Answer::Balance(None));
    let account = address("dave");
    assert_eq!(
        ask(&network, &Query::Account { account }),
        Answer::Account(None)
    );
    let account = address("admin");
    let Answer::Account(Some(admin)) = ask(&network, &Query::Account { account }) else {
        panic!("the admin has an account");
    };
    assert!(admin.admin);
}

#[test]
fn transactions_and_blocks_are_told() {
    let mut network = Network::byzantine();
    let payments = vec![
        network.pay("alice", "bob", 1),
        network.pay("carol", "bob", 99),
    ];
    let results = network.apply(payments);
    let id = results[1].transaction;
    let Answer::Transaction(Some(told)) = ask(&network, &Query::Transaction { id }) else {
        panic!("it was executed");
    };
    assert_eq!(told.result, results[1]);
    let place = Place {
        index: 1,
        position: 1,
    };
    assert_eq!((told.place, told.term), (place, 0));
    assert_eq!(told.entry, network.entries[0].point().hash);

    let Answer::Block(Some(block)) = ask(&network, &Query::Block { index: 1 }) else {
        panic!("it was executed");
    };
    assert_eq!(block.results, results);
    assert_eq!(block.hash, told.entry);
    assert_eq!(block.digest, network.applied[0].digest);
    for index in [0, 2, u64::MAX] {
        assert_eq!(ask(&network, &Query::Block { index }), Answer::Block(None));
    }
    let id = consensus::Hash::default();
    assert_eq!(
        ask(&network, &Query::Transaction { id }),
        Answer::Transaction(None)
    );
}

#[test]
fn supply_follows_what_is_issued() {
    let mut network = Network::byzantine();
    let issuing = network.transaction("admin", vec![issue("bob", 93)]);
    let payload = network.sign("admin", issuing);
    assert_eq!(network.apply_one(payload).outcome, Outcome::Applied);
    let Answer::Supply(supply) = ask(&network, &Query::Supply) else {
        panic!("it is the answer to this question");
    };
    let supply: Vec<_> = supply.iter().map(|one| (one.asset, one.supply)).collect();
    assert_eq!(supply, [(asset("EUR"), 5), (asset("USD"), 1100)]);
}

#[test]
fn accounts_are_listed_page_by_page() {
    let mut network = Network::byzantine();
    let keys: Vec<String> = (0..400).map(|number| format!("account-{number}")).collect();
    for chunk in keys.chunks(100) {
        let operations = chunk.iter().map(|key| open(key, None)).collect();
        let opening = network.transaction("admin", operations);
        let payload = network.sign("admin", opening);
        assert_eq!(network.apply_one(payload).outcome, Outcome::Applied);
    }
    let mut listed = Vec::new();
    let mut after = None;
    loop {
        let limit = u32::MAX;
        let Answer::Accounts(page) = ask(&network, &Query::Accounts { after, limit }) else {
            panic!("it is the answer to this question");
        };
        let Some(last) = page.last() else { break };
        after = Some(last.account);
        assert!(page.len() <= 256);
        listed.extend(page.into_iter().map(|account| account.account));
    }
    let all: Vec<_> = network.ledger.state().accounts().keys().copied().collect();
    assert_eq!(listed, all);
    assert_eq!(listed.len(), 404);
}

#[test]
fn what_is_no_query_is_answered_as_such() {
    let network = Network::byzantine();
    let mut trailing = Query::Supply.to_bytes();
    trailing.push(0);
    let name = "x".repeat(1000);
    let long = Query::AccountNamed { name }.to_bytes();
    for bytes in [&[][..], &[0xff; 40], &trailing, &long] {
        let answer = Answer::from_bytes(&network.ledger.query(bytes)).unwrap();
        assert_eq!(answer, Answer::Malformed);
    }
    assert!(Answer::from_bytes(&[0xff; 100]).is_err());
}

/// The largest block's answer fits a frame.
#[test]
fn a_full_block_can_be_told() {
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 5000);
    network.apply_one(payment.clone());
    network.apply(vec![payment; 1024]);
    let Answer::Block(Some(block)) = ask(&network, &Query::Block { index: 2 }) else {
        panic!("it was executed");
    };
    assert_eq!(block.results.len(), 1024);
}
