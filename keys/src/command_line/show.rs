//! `keys show NAME|FILE`.

use std::path::Path;

use clap::Args;
use keys::{FileError, KeyFileError, PublicSide};
use terminal::Output;

use super::Common;
use super::failure::{Failure, missing};
use super::identity::Identity;

pub const EXAMPLES: &str = "\
Examples:
  keys show alice
  keys show ./backup/alice.pem --json";

#[derive(Args)]
pub struct Arguments {
    /// A key's name, or a key file (anything with a `/` or ending in `.pem`)
    #[arg(value_name = "NAME|FILE")]
    key: String,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let text = arguments.key.as_str();
    let identity = if text.contains('/') || text.ends_with(".pem") {
        let path = Path::new(text);
        let side = PublicSide::read(path, &common.passphrases()).map_err(|error| {
            let absent = matches!(error, KeyFileError::File(FileError::NotFound(_)));
            let failure = Failure::from(error);
            if absent {
                failure.next(format!(
                    "To see the keys there are: {}",
                    common.command(&["list"])
                ))
            } else {
                failure
            }
        })?;
        Identity::new(None, &side, path)
    } else {
        let store = common.store();
        let side = store.public_side(text).map_err(|error| {
            let absent = missing(&error);
            let failure = Failure::from(error);
            if absent {
                failure.next(format!(
                    "To make it: {}\n  To see the keys there are: {}",
                    common.command(&["gen", text]),
                    common.command(&["list"])
                ))
            } else {
                failure
            }
        })?;
        Identity::new(Some(text), &side, &store.path(text)?)
    };
    output.result(&identity, &identity.text());
    output.next(&common.command(&["genesis", "--help"]));
    Ok(())
}
