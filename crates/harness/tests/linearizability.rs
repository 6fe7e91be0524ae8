//! The checker against known histories, and against trying every order.

use std::{fs, path::Path};

use harness::{
    history::{Answer, History},
    linearizability::{Bank, Call, Interval, Model, Verdict, check},
    random::Random,
};

const BUDGET: u64 = 1_000_000;

fn known(folder: &str) -> Vec<(String, Verdict)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/histories")
        .join(folder);
    let files = fs::read_dir(folder).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .map(|path| {
            let history = History::load(&path).unwrap();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, history.check_group(0, BUDGET))
        })
        .collect()
}

#[test]
fn known_good_histories_are_linearizable() {
    let good = known("good");
    assert!(good.len() >= 8);
    for (name, verdict) in good {
        let linearizable = matches!(verdict, Verdict::Linearizable { .. });
        assert!(linearizable, "{name}: {verdict:?}");
    }
}

#[test]
fn known_bad_histories_are_not() {
    let bad = known("bad");
    assert!(bad.len() >= 12);
    for (name, verdict) in bad {
        let Verdict::Violation(found) = &verdict else {
            panic!("{name}: {verdict:?}");
        };
        assert!(!found.stuck.is_empty(), "{name} says where it is stuck");
    }
}

/// Whether any order explains the history: all orders of all choices of unknown operations.
fn explained_by_some_order(state: &Vec<u64>, left: &[Interval<Call>]) -> bool {
    if left.iter().all(|interval| interval.returned.is_none()) {
        return true;
    }
    let earliest = left.iter().filter_map(|interval| interval.returned).min();
    (0..left.len()).any(|number| {
        let next = &left[number];
        if earliest.is_some_and(|earliest| next.invoked > earliest) {
            return false;
        }
        let Some(after) = Bank.step(state, &next.operation) else {
            return false;
        };
        let mut rest = left.to_vec();
        rest.remove(number);
        explained_by_some_order(&after, &rest)
    })
}

/// A few operations at times of chance, with results that are often, but not always, those of some
/// order.
fn random_history(random: &mut Random) -> (Vec<u64>, Vec<Interval<Call>>) {
    let start = vec![random.between(0, 3), random.between(0, 3)];
    let count = random.between(1, 7);
    let mut state = start.clone();
    let history = (0..count).map(|number| {
        let moment = number * 4;
        let from = random.position(2);
        let amount = random.between(1, 2);
        let moved = Call::Moved {
            from,
            to: 1 - from,
            amount,
        };
        let operation = if random.percent(50) {
            let balance = state[from] + u64::from(random.percent(10));
            Call::Read {
                account: from,
                balance,
            }
        } else if let Some(after) = Bank.step(&state, &moved) {
            state = after;
            moved
        } else {
            Call::Insufficient { from, amount }
        };
        let known = !matches!(operation, Call::Moved { .. }) || random.percent(70);
        Interval {
            invoked: moment.saturating_sub(random.between(0, 12)),
            returned: known.then(|| moment + random.between(0, 6)),
            operation,
        }
    });
    let history: Vec<_> = history.collect();
    (start, history)
}

#[test]
fn the_search_agrees_with_trying_every_order() {
    let mut random = Random::new(11);
    let mut good = 0;
    for number in 0..20_000 {
        let (start, history) = random_history(&mut random);
        let expected = explained_by_some_order(&start, &history);
        let verdict = check(&Bank, start.clone(), &history, BUDGET);
        let found = matches!(verdict, Verdict::Linearizable { .. });
        assert_eq!(found, expected, "history {number}: {start:?} {history:#?}");
        good += usize::from(expected);
    }
    assert!((5_000..19_500).contains(&good), "{good} of both kinds");
}

/// Some thousand operations of three clients at once, as the harness records them.
fn long_history(random: &mut Random) -> (Vec<u64>, Vec<Interval<Call>>) {
    let start = vec![100; 3];
    let mut state = start.clone();
    let mut history = Vec::new();
    let mut free = [0_u64; 3];
    for number in 1..3_000_u64 {
        let moment = number * 10;
        let Some(client) = (0..3).find(|&client| free[client] < moment) else {
            continue;
        };
        let (from, amount) = (random.position(3), random.between(1, 60));
        let to = (from + 1) % 3;
        let moved = Call::Moved { from, to, amount };
        let mut known = true;
        let operation = if random.percent(40) {
            Call::Read {
                account: from,
                balance: state[from],
            }
        } else if let Some(after) = Bank.step(&state, &moved) {
            known = !random.percent(1);
            if known || random.percent(50) {
                state = after;
            }
            moved
        } else {
            Call::Insufficient { from, amount }
        };
        let invoked = moment - random.between(0, moment - 1 - free[client]).min(25);
        let returned = moment + random.between(1, 25);
        free[client] = returned;
        history.push(Interval {
            invoked,
            returned: known.then_some(returned),
            operation,
        });
    }
    (start, history)
}

#[test]
fn long_histories_are_decided_within_the_budget_and_one_wrong_balance_is_found() {
    let mut random = Random::new(5);
    for _ in 0..5 {
        let (start, mut history) = long_history(&mut random);
        let verdict = check(&Bank, start.clone(), &history, BUDGET);
        assert!(
            matches!(verdict, Verdict::Linearizable { .. }),
            "{verdict:?}"
        );
        let middle = history.len() / 2;
        let read =
            history[middle..]
                .iter_mut()
                .find_map(|interval| match &mut interval.operation {
                    Call::Read { balance, .. } => Some(balance),
                    _ => None,
                });
        *read.unwrap() += 1_000;
        let verdict = check(&Bank, start, &history, BUDGET);
        assert!(matches!(verdict, Verdict::Violation(_)), "{verdict:?}");
    }
}

#[test]
fn a_search_that_is_given_up_says_so() {
    let (start, history) = long_history(&mut Random::new(1));
    let verdict = check(&Bank, start, &history, 10);
    assert!(matches!(verdict, Verdict::Undecided { .. }));
}

#[test]
fn a_history_is_read_back_as_it_was_written_and_nonsense_is_refused() {
    let line = r#"{"group":0,"client":1,"invoked":5,"returned":9,"operation":{"transfer":{"from":0,"to":1,"amount":3}},"answer":"applied","index":7}"#;
    let text = format!("{{\"groups\":[[10,0]]}}\n{line}\n");
    let history = History::parse(&text).unwrap();
    assert_eq!(history.records[0].answer, Answer::Applied);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("history.jsonl");
    history.store(&file).unwrap();
    assert_eq!(History::load(&file).unwrap(), history);
    for nonsense in [
        String::new(),
        "{}".to_owned(),
        line.to_owned(),
        text.replace("\"to\":1", "\"to\":2"),
        text.replace("\"to\":1", "\"to\":0"),
        text.replace("\"group\":0", "\"group\":1"),
        text.replace("applied", "perhaps"),
    ] {
        assert!(History::parse(&nonsense).is_err(), "{nonsense}");
    }
}
