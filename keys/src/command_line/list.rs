//! `keys list`.

use std::fmt::Write;

use keys::PassphraseSource;
use serde::Serialize;
use terminal::{Output, exit::Code};

use super::Common;
use super::failure::Failure;
use super::identity::Identity;

#[derive(Serialize)]
struct List {
    directory: String,
    keys: Vec<Identity>,
    unreadable: Vec<Unreadable>,
}

#[derive(Serialize)]
struct Unreadable {
    name: String,
    error: String,
}

pub fn run(common: &Common, output: &Output) -> Result<(), Failure> {
    // A list does not ask for the passphrase of every key that other software locked.
    let store = match common.passphrase_file {
        Some(_) => common.store(),
        None => common.store().with_passphrases(PassphraseSource::Nowhere),
    };
    let mut list = List {
        directory: store.directory().display().to_string(),
        keys: Vec::new(),
        unreadable: Vec::new(),
    };
    for name in store.list()? {
        match store.public_side(&name) {
            Ok(side) => {
                let path = store.path(&name)?;
                list.keys.push(Identity::new(Some(&name), &side, &path));
            }
            Err(error) => list.unreadable.push(Unreadable {
                name,
                error: error.to_string(),
            }),
        }
    }
    if list.keys.is_empty() && list.unreadable.is_empty() {
        output.result(&list, &format!("There are no keys in {}.", list.directory));
        output.next(&common.command(&["gen", "alice"]));
        return Ok(());
    }
    output.result(&list, &table(&list));
    if let Some(first) = list.unreadable.first() {
        return Err(Failure {
            code: Code::VerificationFailed,
            message: format!("{} of the keys cannot be used", list.unreadable.len()),
            next: Some(first.error.clone()),
        });
    }
    output.next(&common.command(&["show", list.keys[0].name.as_deref().unwrap_or_default()]));
    Ok(())
}

fn table(list: &List) -> String {
    let names = list.keys.iter().filter_map(|key| key.name.as_deref());
    let width = names
        .chain(list.unreadable.iter().map(|key| key.name.as_str()))
        .map(str::len)
        .max()
        .unwrap_or(0);
    let mut text = format!("Keys in {}", list.directory);
    for key in &list.keys {
        let name = key.name.as_deref().unwrap_or_default();
        let locked = if key.locked { "  locked" } else { "" };
        // Writing to a string cannot fail.
        let _ = write!(text, "\n{name:width$}  {}{locked}", key.address);
    }
    for key in &list.unreadable {
        let _ = write!(text, "\n{:width$}  cannot be used: {}", key.name, key.error);
    }
    text
}
