//! `keys change-passphrase NAME`.

use std::path::PathBuf;

use clap::Args;
use keys::{Overwrite, Passphrase, PublicSide};
use terminal::Output;

use super::Common;
use super::failure::Failure;
use super::identity::Identity;

pub const EXAMPLES: &str = "\
The key stays the same; only its file changes. Copies of the old file keep the old passphrase.

Examples:
  keys change-passphrase alice
  keys change-passphrase alice --passphrase-file old --new-passphrase-file new
  keys change-passphrase alice --remove";

#[derive(Args)]
pub struct Arguments {
    /// The key's name
    name: String,
    /// The file that holds the new passphrase [default: it is asked for]
    #[arg(long, value_name = "FILE", conflicts_with = "remove")]
    new_passphrase_file: Option<PathBuf>,
    /// Leave the key without a passphrase
    #[arg(long)]
    remove: bool,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let store = common.store();
    let name = arguments.name.as_str();
    let key = store.load(name)?;
    if arguments.remove {
        store.save(name, &key, Overwrite::Replace)?;
    } else {
        let passphrase = match &arguments.new_passphrase_file {
            Some(path) => Passphrase::from_file(path)?,
            None => Passphrase::ask_new(&format!("New passphrase of {name}: "))?,
        };
        store.save_locked(name, &key, &passphrase, Overwrite::Replace)?;
    }
    let side = PublicSide {
        key: key.public_key(),
        locked: !arguments.remove,
    };
    let identity = Identity::new(Some(name), &side, &store.path(name)?);
    output.result(&identity, &identity.text());
    output.next(&common.command(&["show", name]));
    Ok(())
}
