//! `ledger balance`: what accounts hold.

use crate::query::AccountAnswer;
use clap::Args;
use serde_json::{Value, json};
use terminal::{Align, Output, table};

use super::{
    connect::{Connection, Level, Told},
    failure::{Failure, Outcome},
    money::Unit,
    parties::Party,
    setup::{Common, Setup},
};

pub const EXAMPLES: &str = "\
Every answer says how much it can be relied on. `matching` (the default): f + 1 nodes say the same,
so at least one of them is honest; it may be a moment old. `linearizable`: the same, and no older
than anything acknowledged before the question. `local`: one node's word. Amounts in JSON count the
smallest unit, as strings.

Examples:
  ledger balance                 # every account of genesis and every key in DIR/keys
  ledger balance alice
  ledger balance hw1… --consistency linearizable --json";

#[derive(Args)]
pub struct Arguments {
    /// An account's name or address [default: all that are known here]
    #[arg(value_name = "NAME|ADDRESS")]
    account: Option<String>,
    /// How much the answer must be relied on
    #[arg(long, value_name = "LEVEL", default_value = "matching")]
    consistency: Level,
}

pub async fn run(common: &Common, arguments: &Arguments, output: Output) -> Outcome {
    let setup = Setup::load(common)?;
    let connection = Connection::open(&setup, None)?;
    let level = arguments.consistency;
    match &arguments.account {
        Some(text) => {
            let told = connection.find(text, level).await;
            let told = told.map_err(Failure::of_a_question)?;
            let mut lines = rows(&setup, text, &told.answer);
            lines.iter_mut().for_each(|row| {
                row.remove(0);
            });
            let text = format!(
                "{text}  {}\n{}\n{}",
                told.answer.account,
                table(
                    &[
                        ("amount", Align::Right),
                        ("asset", Align::Left),
                        ("smallest units", Align::Right)
                    ],
                    &lines
                ),
                reliance(&connection, level, &told)
            );
            output.result(
                &described(&connection, level, Some(text_name(&told.answer)), &told),
                &text,
            );
        }
        None => all(&connection, level, output).await?,
    }
    Ok(())
}

fn text_name(account: &AccountAnswer) -> Value {
    account.name.clone().map_or(Value::Null, Value::String)
}

/// Every account of genesis, and those of keys here, as far as they exist.
async fn all(connection: &Connection, level: Level, output: Output) -> Outcome {
    let setup = &connection.setup;
    let mut names: Vec<String> = setup
        .genesis
        .accounts()
        .iter()
        .map(|account| account.name.clone())
        .collect();
    for name in setup.keys.list()? {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let (mut json, mut lines, mut last) = (Vec::new(), Vec::new(), None);
    for name in names {
        let Ok(Party::Known(account)) = setup.party(&name) else {
            continue;
        };
        let told = connection.account(account, level).await?;
        let Some(answer) = told.answer else {
            continue;
        };
        let told = Told {
            answer,
            applied: told.applied,
            nodes: told.nodes,
        };
        lines.extend(rows(setup, &name, &told.answer));
        json.push(described(
            connection,
            level,
            Some(Value::String(name)),
            &told,
        ));
        last = Some(told);
    }
    let mut text = table(
        &[
            ("account", Align::Left),
            ("amount", Align::Right),
            ("asset", Align::Left),
            ("smallest units", Align::Right),
        ],
        &lines,
    );
    if let Some(told) = &last {
        text.push('\n');
        text.push_str(&reliance(connection, level, told));
    }
    output.result(&json!({"accounts": json}), &text);
    Ok(())
}

/// A row for each asset, also for those of which there is nothing.
fn rows(setup: &Setup, name: &str, account: &AccountAnswer) -> Vec<Vec<String>> {
    amounts(setup, account)
        .into_iter()
        .map(|(unit, amount)| {
            vec![
                name.to_owned(),
                unit.decimal(amount),
                unit.code.to_string(),
                amount.to_string(),
            ]
        })
        .collect()
}

/// What an account holds of every asset of genesis, and of others it has.
pub fn amounts(setup: &Setup, account: &AccountAnswer) -> Vec<(Unit, u64)> {
    let mut amounts: Vec<(Unit, u64)> = setup
        .genesis
        .assets()
        .iter()
        .filter_map(|asset| asset.code.parse().ok())
        .map(|code| {
            let amount = account.balances.get(&code).copied().unwrap_or(0);
            (Unit::named(&setup.genesis, code), amount)
        })
        .collect();
    for (&code, &amount) in &account.balances {
        if setup.genesis.asset(code.as_str()).is_none() {
            amounts.push((Unit::named(&setup.genesis, code), amount));
        }
    }
    amounts
}

/// Amounts by asset code, as strings, as genesis writes them.
pub fn balances(setup: &Setup, account: &AccountAnswer) -> Value {
    amounts(setup, account)
        .into_iter()
        .map(|(unit, amount)| (unit.code.to_string(), Value::String(amount.to_string())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn described(
    connection: &Connection,
    level: Level,
    name: Option<Value>,
    told: &Told<AccountAnswer>,
) -> Value {
    json!({
        "name": name,
        "account": told.answer.account.to_string(),
        "balances": balances(&connection.setup, &told.answer),
        "consistency": level.as_str(),
        "nodes": connection.names(&told.nodes),
        "applied": told.applied,
    })
}

/// How much an answer can be relied on, in words.
pub fn reliance<T>(connection: &Connection, level: Level, told: &Told<T>) -> String {
    let names = connection.names(&told.nodes).join(", ");
    let total = connection.configuration.sizes().validators();
    let what = match level {
        Level::Local => format!("the word of {names} alone"),
        Level::Matching => format!("{names} of {total} nodes say the same"),
        Level::Linearizable => format!(
            "{names} of {total} nodes say the same, and nothing acknowledged before is missing"
        ),
    };
    format!(
        "Consistency: {} ({what}), as of entry {}.",
        level.as_str(),
        told.applied
    )
}
