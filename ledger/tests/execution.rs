//! What executing transactions does, and what it refuses.

mod common;

use common::{Network, address, asset, code, issue, open, public, transfer};
use ledger::{
    Earlier, Operation, Outcome, Place, Preflight, Reference, Rejection, RejectionCode as Code,
    Transaction, TransactionResult, limits::REFERENCES_PER_ACCOUNT,
};

#[test]
fn a_transfer_moves_money() {
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 250);
    let result = network.apply_one(payment);
    assert_eq!(result.outcome, Outcome::Applied);
    assert_eq!(result.repeats, None);
    assert_eq!(network.balance("alice", "USD"), 750);
    assert_eq!(network.balance("bob", "USD"), 250);
    assert_eq!(network.next_nonce("alice"), 1);
}

/// Executes one transaction of `name` and checks that it is rejected, changes no balance and
/// supply, and uses up its nonce exactly if its code says so.
fn rejected(
    network: &mut Network,
    name: &str,
    operations: Vec<Operation>,
    change: impl FnOnce(&mut Transaction),
) -> Rejection {
    let mut transaction = network.transaction(name, operations);
    change(&mut transaction);
    let account = transaction.account;
    let before = network.ledger.clone();
    let payload = network.sign(name, transaction);
    let result = network.apply_one(payload);
    let Outcome::Rejected(rejection) = result.outcome else {
        panic!("it was applied");
    };
    assert_eq!(result.repeats, None);
    let after = network.ledger.state();
    assert_eq!(before.state().assets(), after.assets());
    for (address, account) in before.state().accounts() {
        assert_eq!(account.balances, after.account(address).unwrap().balances);
    }
    assert_eq!(before.state().accounts().len(), after.accounts().len());
    let nonces = |ledger: &ledger::Ledger| {
        let account = ledger.state().account(&account);
        account.map(|account| account.nonces.clone())
    };
    let nonce_used = nonces(&before) != nonces(&network.ledger);
    assert_eq!(
        nonce_used,
        rejection.code.uses_nonce(),
        "{}",
        rejection.code
    );
    rejection
}

fn unchanged(_: &mut Transaction) {}

#[test]
fn every_rejection_of_an_operation_has_its_code() {
    let mut network = Network::byzantine();
    let unknown = Operation::Transfer {
        to: address("bob"),
        asset: asset("XXX"),
        amount: 1,
    };
    for (name, operation, expected) in [
        ("alice", transfer("bob", 0), Code::AmountZero),
        ("alice", transfer("bob", 1001), Code::InsufficientFunds),
        ("alice", transfer("bob", u64::MAX), Code::InsufficientFunds),
        ("bob", transfer("alice", 1), Code::InsufficientFunds),
        ("alice", transfer("alice", 1), Code::SelfTransfer),
        ("alice", transfer("nobody", 1), Code::UnknownRecipient),
        ("alice", unknown, Code::UnknownAsset),
        ("alice", issue("alice", 1), Code::NotAdmin),
        ("alice", open("dave", None), Code::NotAdmin),
        ("admin", issue("alice", 0), Code::AmountZero),
        ("admin", issue("nobody", 1), Code::UnknownRecipient),
        ("admin", issue("alice", u64::MAX), Code::Overflow),
        ("admin", open("alice", None), Code::AccountExists),
        ("admin", open("dave", Some("alice")), Code::NameTaken),
    ] {
        let rejection = rejected(&mut network, name, vec![operation], unchanged);
        assert_eq!(rejection.code, expected);
        assert_eq!(rejection.operation, Some(0));
    }
}

#[test]
fn what_is_not_the_accounts_own_uses_no_nonce() {
    let mut network = Network::byzantine();
    let pay = || vec![transfer("bob", 1)];
    let mut reject =
        |name: &str, change: fn(&mut Transaction)| rejected(&mut network, name, pay(), change).code;
    assert_eq!(reject("dave", unchanged), Code::UnknownAccount);
    // Carol signs with her own key for alice's account.
    let as_alice = |transaction: &mut Transaction| transaction.account = address("alice");
    assert_eq!(reject("carol", as_alice), Code::WrongKey);
    let elsewhere = |transaction: &mut Transaction| transaction.opened.0[0] ^= 1;
    assert_eq!(reject("alice", elsewhere), Code::OtherOpening);
    let zero = |transaction: &mut Transaction| transaction.valid_until = 0;
    assert_eq!(reject("alice", zero), Code::Expired);
    assert_eq!(network.next_nonce("alice"), 0);
}

#[test]
fn validity_ends_with_the_entry_of_its_index() {
    let mut network = Network::byzantine();
    let valid_until = |network: &mut Network, last: u64| {
        let mut transaction = network.transaction("alice", vec![transfer("bob", 1)]);
        transaction.valid_until = last;
        let nonce = transaction.nonce;
        let payload = network.sign("alice", transaction);
        (nonce, code(&network.apply_one(payload)))
    };
    assert_eq!(valid_until(&mut network, 1), (0, None));
    assert_eq!(valid_until(&mut network, 1), (1, Some(Code::Expired)));
    assert_eq!(network.next_nonce("alice"), 1);
    let furthest = 3 + ledger::limits::VALIDITY_ENTRIES;
    assert_eq!(valid_until(&mut network, furthest), (2, None));
    let too_far = 4 + ledger::limits::VALIDITY_ENTRIES + 1;
    let (_, refusal) = valid_until(&mut network, too_far);
    assert_eq!(refusal, Some(Code::ValidityTooLong));
}

fn is_repeat(result: &TransactionResult) -> bool {
    result.outcome == Outcome::Repeat && result.repeats.is_none()
}

#[test]
fn what_is_too_long_valid_is_rejected_for_ever() {
    let mut network = Network::byzantine();
    let rejection = rejected(&mut network, "alice", vec![transfer("bob", 1)], |one| {
        one.valid_until = u64::MAX;
    });
    assert_eq!(rejection.code, Code::ValidityTooLong);
    assert_eq!(network.next_nonce("alice"), 1);
}

/// Signed with a nonce too far ahead, kept by somebody, and sent again when the window has come to it.
#[test]
fn a_nonce_too_far_ahead_settles_it_when_it_is_executed() {
    let mut network = Network::byzantine();
    let early = network.pay("alice", "bob", 1);
    let mut far = network.transaction("alice", vec![transfer("bob", 10)]);
    far.nonce = 5000;
    let refusal = network.ledger.preflight(&far);
    assert_eq!(refusal, Preflight::NotNow(Code::NonceTooFar.into()));
    let far = network.sign("alice", far);
    assert_eq!(network.apply_one(far.clone()).outcome, Outcome::Applied);
    assert_eq!(network.next_nonce("alice"), 5000 - 1023);
    // What fell out of the window is settled, and so is the nonce itself.
    for payment in [far, early] {
        assert!(is_repeat(&network.apply_one(payment)));
    }
    assert_eq!(network.balance("bob", "USD"), 10);
}

/// Signed before the account was opened: nobody could know the entry that opens it.
#[test]
fn what_was_rejected_before_the_account_was_opened_stays_rejected() {
    let mut network = Network::byzantine();
    let early = network.pay("dave", "bob", 1);
    assert_eq!(
        code(&network.apply_one(early.clone())),
        Some(Code::UnknownAccount)
    );
    let opening = network.transaction("admin", vec![open("dave", None), issue("dave", 3)]);
    let opening = network.sign("admin", opening);
    // Before and after the opening, in its own entry and later.
    let results = network.apply(vec![early.clone(), opening, early.clone()]);
    let codes: Vec<_> = results.iter().map(code).collect();
    let expected = [Some(Code::UnknownAccount), None, Some(Code::OtherOpening)];
    assert_eq!(codes, expected);
    let refused = network.apply_one(early);
    assert_eq!(code(&refused), Some(Code::OtherOpening));
    assert_eq!(network.balance("dave", "USD"), 3);
    let payment = network.pay("dave", "bob", 2);
    assert_eq!(network.apply_one(payment).outcome, Outcome::Applied);
    assert_eq!(network.balance("dave", "USD"), 1);
}

#[test]
fn a_repeat_does_nothing_whatever_became_of_the_first() {
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 100);
    assert_eq!(network.apply_one(payment.clone()).outcome, Outcome::Applied);
    // In later entries, and twice in one.
    for _ in 0..2 {
        let results = network.apply(vec![payment.clone(), payment.clone()]);
        assert!(results.iter().all(is_repeat));
    }
    assert_eq!(network.balance("bob", "USD"), 100);

    let too_much = network.pay("alice", "bob", 5000);
    let results = network.apply(vec![too_much.clone(), too_much]);
    assert_eq!(code(&results[0]), Some(Code::InsufficientFunds));
    assert!(is_repeat(&results[1]));
}

/// An expired transaction was never executed, or it is a repeat: its results do not contradict.
#[test]
fn a_repeat_is_one_after_its_time_too() {
    let mut network = Network::byzantine();
    let mut done = network.transaction("alice", vec![transfer("bob", 1)]);
    done.valid_until = 1;
    let done = network.sign("alice", done);
    assert_eq!(network.apply_one(done.clone()).outcome, Outcome::Applied);
    assert!(is_repeat(&network.apply_one(done)));
}

#[test]
fn another_signature_makes_no_second_transaction() {
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 100);
    let first = network.apply_one(payment.clone());
    let mut malleated = payment.to_vec();
    *malleated.last_mut().unwrap() ^= 0x10;
    let second = network.apply_one(malleated.into());
    assert_eq!(second.transaction, first.transaction);
    assert!(is_repeat(&second));
    assert_eq!(network.balance("bob", "USD"), 100);
}

#[test]
fn nonces_may_be_used_in_any_order_within_the_window() {
    let mut network = Network::byzantine();
    let mut nonces: Vec<u64> = (0..1024).collect();
    nonces.reverse();
    for chunk in nonces.chunks(256) {
        let payloads = chunk
            .iter()
            .map(|&nonce| {
                let mut transaction = network.transaction("alice", vec![transfer("bob", 1)]);
                transaction.nonce = nonce;
                network.sign("alice", transaction)
            })
            .collect();
        let results = network.apply(payloads);
        let applied = results.iter().filter(|result| code(result).is_none());
        // Alice runs out of money at last, which uses up nonces all the same.
        assert!(applied.count() == 256 || network.balance("alice", "USD") == 0);
    }
    assert_eq!(network.next_nonce("alice"), 1024);
    assert_eq!(network.balance("bob", "USD"), 1000);
}

#[test]
fn a_reference_stands_for_one_payment() {
    let mut network = Network::byzantine();
    let referring = |network: &mut Network, amount: u64| {
        let mut transaction = network.transaction("alice", vec![transfer("bob", amount)]);
        transaction.reference = Some(reference(0));
        network.sign("alice", transaction)
    };
    // A failure does not take the reference.
    let payment = referring(&mut network, 5000);
    assert_eq!(
        code(&network.apply_one(payment)),
        Some(Code::InsufficientFunds)
    );
    let payment = referring(&mut network, 10);
    let first = network.apply_one(payment);
    assert_eq!(first.outcome, Outcome::Applied);
    let earlier = Earlier {
        transaction: first.transaction,
        place: Place {
            index: 2,
            position: 0,
        },
    };
    // The same payment in a new transaction.
    let payment = referring(&mut network, 10);
    let second = network.apply_one(payment.clone());
    assert_ne!(second.transaction, first.transaction);
    assert_eq!(
        (second.repeats, second.outcome),
        (Some(earlier), Outcome::Repeat)
    );
    assert_eq!(network.next_nonce("alice"), 3);
    assert!(is_repeat(&network.apply_one(payment)));
    // Another payment under its name.
    let payment = referring(&mut network, 11);
    let conflict = network.apply_one(payment);
    assert_eq!(
        conflict.outcome,
        Outcome::Rejected(Rejection {
            code: Code::ReferenceConflict,
            operation: None,
            other: Some(first.transaction),
        })
    );
    assert_eq!(network.balance("bob", "USD"), 10);
    // Another account's reference is another one.
    let mut transaction = network.transaction("carol", vec![transfer("bob", 1)]);
    transaction.reference = Some(reference(0));
    let payload = network.sign("carol", transaction);
    assert_eq!(network.apply_one(payload).outcome, Outcome::Applied);
}

fn reference(since: u64) -> Reference {
    let name = [9; 32];
    Reference { name, since }
}

/// Whoever looked too long ago may not have seen that the reference was taken.
#[test]
fn a_forgotten_reference_is_too_old_and_not_free() {
    let mut network = Network::byzantine();
    let referring = |network: &mut Network, name: u16, since: u64| {
        let mut transaction = network.transaction("alice", vec![transfer("bob", 1)]);
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&name.to_le_bytes());
        transaction.reference = Some(Reference { name: bytes, since });
        transaction.valid_until = 100_000;
        network.sign("alice", transaction)
    };
    let all = u16::try_from(REFERENCES_PER_ACCOUNT).unwrap();
    let opening = network.transaction("admin", vec![issue("alice", u64::from(all))]);
    let opening = network.sign("admin", opening);
    network.apply_one(opening);
    for first in (0..=all).step_by(512) {
        let names = first..(first + 512).min(all + 1);
        let payments = names.map(|name| referring(&mut network, name, 1)).collect();
        let results = network.apply(payments);
        assert!(results.iter().all(|result| code(result).is_none()));
    }
    // The first is forgotten, and it was taken in entry 2.
    for since in [0, 1] {
        let again = referring(&mut network, 0, since);
        assert_eq!(code(&network.apply_one(again)), Some(Code::ReferenceTooOld));
    }
    let second = referring(&mut network, 1, 0);
    assert!(network.apply_one(second).repeats.is_some());
    // Another one, looked for since then, is free.
    let fresh = referring(&mut network, all + 1, 2);
    assert_eq!(network.apply_one(fresh).outcome, Outcome::Applied);
    let future = referring(&mut network, all + 2, 1 << 40);
    assert_eq!(
        code(&network.apply_one(future)),
        Some(Code::ReferenceTooOld)
    );
}

#[test]
fn a_batch_takes_effect_as_a_whole_or_not_at_all() {
    let mut network = Network::byzantine();
    let operations = vec![
        open("dave", Some("dave")),
        issue("dave", 500),
        issue("alice", 1),
        issue("dave", u64::MAX),
    ];
    let rejection = rejected(&mut network, "admin", operations.clone(), unchanged);
    assert_eq!(
        (rejection.code, rejection.operation),
        (Code::Overflow, Some(3))
    );
    assert_eq!(network.ledger.state().address_of("dave"), None);

    let transaction = network.transaction("admin", operations[..3].to_vec());
    let payload = network.sign("admin", transaction);
    assert_eq!(network.apply_one(payload).outcome, Outcome::Applied);
    assert_eq!(network.balance("dave", "USD"), 500);
    assert_eq!(
        network.ledger.state().address_of("dave"),
        Some(address("dave"))
    );
    // What an operation receives, a later one may spend.
    let batch = vec![transfer("bob", 500), transfer("carol", 1)];
    let rejection = rejected(&mut network, "dave", batch, unchanged);
    assert_eq!(
        (rejection.code, rejection.operation),
        (Code::InsufficientFunds, Some(1))
    );
    assert_eq!(network.balance("dave", "USD"), 500);
}

#[test]
fn the_largest_supply_can_be_held_and_moved() {
    let mut network = Network::byzantine();
    let supply = network.ledger.state().assets()[&asset("USD")].supply;
    let transaction = network.transaction("admin", vec![issue("bob", u64::MAX - supply)]);
    let payload = network.sign("admin", transaction);
    assert_eq!(network.apply_one(payload).outcome, Outcome::Applied);
    let one_more = rejected(&mut network, "admin", vec![issue("bob", 1)], unchanged);
    assert_eq!(one_more.code, Code::Overflow);
    let all = network.balance("bob", "USD");
    let payment = network.pay("bob", "alice", all);
    assert_eq!(network.apply_one(payment).outcome, Outcome::Applied);
    assert_eq!(network.balance("alice", "USD"), u64::MAX - 7);
}

#[test]
fn a_payload_that_is_no_transaction_is_rejected_without_effect() {
    let mut network = Network::byzantine();
    let foreign = {
        let mut transaction = network.transaction("alice", vec![transfer("bob", 1)]);
        transaction.network.0[0] ^= 1;
        network.sign("alice", transaction)
    };
    let results = network.apply(vec![Vec::new().into(), vec![0xff; 300].into(), foreign]);
    for result in results {
        assert_eq!(code(&result), Some(Code::Malformed));
    }
    assert_eq!(network.next_nonce("alice"), 0);
}

#[test]
#[should_panic(expected = "entries are executed in order")]
fn no_entry_is_executed_twice() {
    let mut network = Network::byzantine();
    network.apply(Vec::new());
    let entry = network.entries[0].clone();
    network.ledger.apply(&entry);
}

#[test]
fn two_ledgers_of_one_log_agree() {
    let mut network = Network::byzantine();
    for amount in [1, 2, 5000] {
        let payloads = vec![
            network.pay("alice", "bob", amount),
            network.pay("bob", "carol", amount),
        ];
        network.apply(payloads);
    }
    let mut other = Network::byzantine();
    for entry in &network.entries {
        other.ledger.apply(entry);
    }
    assert_eq!(other.ledger.applied(), network.ledger.applied());
    assert_eq!(other.ledger.state(), network.ledger.state());
}

#[test]
fn preflight_says_what_execution_would_and_whether_that_lasts() {
    let mut network = Network::byzantine();
    let fresh = network.transaction("alice", vec![transfer("bob", 1)]);
    assert_eq!(network.ledger.preflight(&fresh), Preflight::Fits);
    type Change = fn(&mut Transaction);
    let cases: [(Change, Code, bool); 7] = [
        (|one| one.opened.0[0] ^= 1, Code::OtherOpening, true),
        (
            |one| one.account = address("dave"),
            Code::UnknownAccount,
            false,
        ),
        (|one| one.key = public("carol"), Code::WrongKey, false),
        (|one| one.valid_until = 0, Code::Expired, true),
        (
            |one| one.valid_until = u64::MAX,
            Code::ValidityTooLong,
            false,
        ),
        (|one| one.nonce = 1024, Code::NonceTooFar, false),
        // Time does not come back for those who may not act, either.
        (
            |one| (one.account, one.valid_until) = (address("dave"), 0),
            Code::Expired,
            true,
        ),
    ];
    for (change, code, lasting) in cases {
        let mut transaction = fresh.clone();
        change(&mut transaction);
        let answer = network.ledger.preflight(&transaction);
        let expected = match lasting {
            true => Preflight::Never(code.into()),
            false => Preflight::NotNow(code.into()),
        };
        assert_eq!(answer, expected);
        assert!(!answer.fits());
    }
    let payload = network.sign("alice", fresh.clone());
    let first = network.apply_one(payload);
    // A repeat is welcome: it gets its first outcome.
    assert_eq!(network.ledger.preflight(&fresh), Preflight::Repeat);
    let mut other = fresh;
    other.memo = "other".to_owned();
    let refusal = network.ledger.preflight(&other);
    let used = Rejection {
        other: Some(first.transaction),
        ..Code::NonceUsed.into()
    };
    assert_eq!(refusal, Preflight::Never(used));
}

#[test]
fn a_node_hosts_the_ledger() {
    use node::Application;
    let mut network = Network::byzantine();
    let payment = network.pay("alice", "bob", 250);
    let entry = network.make_entry(consensus::Term(0), vec![payment.clone()]);
    let application: &mut dyn Application = &mut network.ledger;
    assert_eq!(application.applied().index.0, 0);
    let applied = application.apply(&entry);
    assert_eq!(applied.applied, application.applied());
    let [outcome] = &applied.outcomes[..] else {
        panic!("one payload has one outcome");
    };
    let payloads = application.payloads();
    assert_eq!(payloads.check(&payment), Ok(outcome.key));
    let transaction_id = application.transaction_id().unwrap();
    assert_eq!(transaction_id(&payment), Some(outcome.transaction));
    assert_eq!(transaction_id(b"noise"), None);
    let results = [&outcome.result];
    assert_eq!(applied.results_root, consensus::merkle::root(&results));
}
