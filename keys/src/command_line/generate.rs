//! `keys gen NAME`.

use clap::Args;
use keys::{KeyPair, Overwrite, Passphrase, PublicSide};
use terminal::Output;

use super::Common;
use super::failure::{Failure, exists};
use super::identity::Identity;

pub const EXAMPLES: &str = "\
Examples:
  keys gen alice
  keys gen n0 --dir /etc/hawser/keys
  keys gen admin --passphrase        lock the file by a passphrase, which is asked for
  keys gen admin --passphrase-file secret.txt
  keys gen alice --force             replace a key; the old one is gone for good";

#[derive(Args)]
pub struct Arguments {
    /// The key's name: 1 to 32 of a-z, 0-9, _ and -
    name: String,
    /// Replace the key of that name, which is then lost
    #[arg(long)]
    force: bool,
    /// Lock the file by a passphrase: that in --passphrase-file, or else it is asked for
    #[arg(long)]
    passphrase: bool,
}

/// The passphrase that a new key is locked by, if it is.
pub fn new_passphrase(
    common: &Common,
    ask: bool,
    name: &str,
) -> Result<Option<Passphrase>, Failure> {
    match &common.passphrase_file {
        Some(path) => Ok(Some(Passphrase::from_file(path)?)),
        None if ask => Ok(Some(Passphrase::ask_new(&format!(
            "Passphrase of {name}: "
        ))?)),
        None => Ok(None),
    }
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let store = common.store();
    let name = arguments.name.as_str();
    let path = store.path(name)?;
    let key = KeyPair::generate()?;
    let overwrite = if arguments.force {
        Overwrite::Replace
    } else {
        Overwrite::Refuse
    };
    let passphrase = new_passphrase(common, arguments.passphrase, name)?;
    let saved = match &passphrase {
        Some(passphrase) => store.save_locked(name, &key, passphrase, overwrite),
        None => store.save(name, &key, overwrite),
    };
    saved.map_err(|error| {
        let there = exists(&error);
        let failure = Failure::from(error);
        if there {
            failure.next(format!(
                "To see it: {}\n  To replace it for good: {}",
                common.command(&["show", name]),
                common.command(&["gen", name, "--force"])
            ))
        } else {
            failure
        }
    })?;
    let side = PublicSide {
        key: key.public_key(),
        locked: passphrase.is_some(),
    };
    let identity = Identity::new(Some(name), &side, &path);
    output.result(&identity, &identity.text());
    output.remark("The secret key is in that file alone: keep a copy where you keep secrets.");
    if side.locked {
        output.remark("Without the passphrase the file is worth nothing: keep that too.");
    }
    output.next(&common.command(&["show", name]));
    Ok(())
}
