//! `keys gen NAME`.

use clap::Args;
use keys::{KeyPair, Overwrite};

use super::Common;
use super::failure::{Failure, exists};
use super::identity::Identity;
use super::output::Output;

pub const EXAMPLES: &str = "\
Examples:
  keys gen alice
  keys gen n0 --dir /etc/hawser/keys
  keys gen alice --force             replace a key; the old one is gone for good";

#[derive(Args)]
pub struct Arguments {
    /// The key's name: 1 to 32 of a-z, 0-9, _ and -
    name: String,
    /// Replace the key of that name, which is then lost
    #[arg(long)]
    force: bool,
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
    store.save(name, &key, overwrite).map_err(|error| {
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
    let identity = Identity::new(Some(name), &key, &path);
    output.result(&identity, &identity.text());
    output.remark("The secret key is in that file alone: keep a copy where you keep secrets.");
    output.next(&common.command(&["show", name]));
    Ok(())
}
