//! `keys init DIR`.

use std::path::{Path, PathBuf};

use clap::Args;
use keys::{
    FileError, Incarnation, IncarnationError, IncarnationHash, IncarnationRecord, KeyFileError,
    KeyPair, Overwrite, PublicSide, ValidatorKey, check_name,
};
use serde::Serialize;
use terminal::Output;

use super::Common;
use super::failure::Failure;
use super::generate::new_passphrase;

pub const EXAMPLES: &str = "\
DIR/key.pem is the node's key and DIR/data what the node must not forget, with a random number that
belongs to this directory alone. Genesis lists both, so that no other directory votes in its place:
one that was lost and made again, or an older copy, is another one.

Examples:
  keys init /var/lib/hawser          on the machine that the node will run on
  keys init n0                       in the data directory: .hawser/n0
  keys init /var/lib/hawser --passphrase
                                     lock the key by a passphrase, which is asked for";

#[derive(Args)]
pub struct Arguments {
    /// The node's directory (anything with a `/`), or a name for one in the data directory
    #[arg(value_name = "DIR")]
    directory: String,
    /// Lock the key by a passphrase: that in --passphrase-file, or else it is asked for
    #[arg(long)]
    passphrase: bool,
}

/// What genesis needs to know of a node's directory.
#[derive(Serialize)]
struct Initialized {
    directory: String,
    validator_key: ValidatorKey,
    incarnation: IncarnationHash,
    /// What `keys genesis` takes between `NAME=` and `@ADDRESS`.
    validator: String,
}

/// The folder of a node: a path if it looks like one, otherwise one in the data directory.
pub fn folder(common: &Common, text: &str) -> PathBuf {
    if text.contains('/') || check_name(text).is_err() {
        PathBuf::from(text)
    } else {
        common.data().join(text)
    }
}

/// The key and the incarnation of a directory that was made here.
pub fn read(common: &Common, directory: &Path) -> Result<(ValidatorKey, IncarnationHash), Failure> {
    let shown = directory.to_string_lossy();
    let made = |failure: Failure| {
        failure.next(format!("To make it: {}", common.command(&["init", &shown])))
    };
    let side =
        PublicSide::read(&directory.join("key.pem"), &common.passphrases()).map_err(|error| {
            let absent = matches!(error, KeyFileError::File(FileError::NotFound(_)));
            let failure = Failure::from(error);
            if absent { made(failure) } else { failure }
        })?;
    let record = IncarnationRecord::load(&directory.join("data")).map_err(|error| {
        let absent = matches!(error, IncarnationError::File(FileError::NotFound(_)));
        let failure = Failure::from(error);
        if absent { made(failure) } else { failure }
    })?;
    Ok((side.key.into(), record.incarnation.hash()))
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let directory = folder(common, &arguments.directory);
    let data = directory.join("data");
    let key_path = directory.join("key.pem");
    refuse_used(common, &directory)?;
    let validator_key = if key_path.exists() {
        let side = PublicSide::read(&key_path, &common.passphrases())?;
        output.remark(&format!(
            "{} is there already and is used.",
            key_path.display()
        ));
        side.key.into()
    } else {
        let key = KeyPair::generate()?;
        match new_passphrase(common, arguments.passphrase, "the node's key")? {
            Some(passphrase) => key.write_locked_pem(&key_path, &passphrase, Overwrite::Refuse)?,
            None => key.write_pem(&key_path, Overwrite::Refuse)?,
        }
        key.validator_key()
    };
    let incarnation = Incarnation::generate()?;
    incarnation.create(&data)?;
    let incarnation = incarnation.hash();
    let shown = Initialized {
        directory: directory.display().to_string(),
        validator_key,
        incarnation,
        validator: format!("{validator_key}/{incarnation}"),
    };
    output.result(
        &shown,
        &format!(
            "directory      {}\n\
             as validator   {}\n\
             incarnation    {}",
            shown.directory, shown.validator_key, shown.incarnation
        ),
    );
    output
        .remark("Genesis lists both. Losing DIR/data means a new key and a new place in genesis.");
    output.next(&common.command(&[
        "genesis",
        "--validator",
        &format!("NAME={}@ADDRESS:PORT", shown.validator),
    ]));
    Ok(())
}

/// A directory in which something was promised, or may be promised, is not made again.
fn refuse_used(common: &Common, directory: &Path) -> Result<(), Failure> {
    let data = directory.join("data");
    match IncarnationRecord::load(&data) {
        Ok(_) => {
            let (key, incarnation) = read(common, directory)?;
            return Err(Failure::usage(format!(
                "{} was made already: nothing was changed",
                directory.display()
            ))
            .next(format!(
                "It is {key}/{incarnation} for `keys genesis`. For another node choose another folder."
            )));
        }
        Err(IncarnationError::File(FileError::NotFound(_))) => {}
        Err(error) => return Err(error.into()),
    }
    let holds_files = std::fs::read_dir(&data).is_ok_and(|mut files| files.next().is_some());
    if holds_files {
        return Err(Failure::usage(format!(
            "{} holds files already, and no incarnation: nothing was changed",
            data.display()
        ))
        .next("Choose an empty folder. If a node ran there, put the file `incarnation` back."));
    }
    Ok(())
}
