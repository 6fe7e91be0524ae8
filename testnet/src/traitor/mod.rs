//! Nodes that break the rules on purpose: one behaviour per file, listed here.
//!
//! They enter a node through the trait [`node::Behaviour`] and exist in this crate alone, never
//! behind a cargo feature: features unify over a workspace, and a released node must not contain
//! a way to betray its network. Each file holds a mark; a test searches the `ledger` binary for
//! them.

mod censor;
mod double_vote;
mod equivocate;
mod mute;
mod term_inflate;
mod tools;
mod withhold;

use std::str::FromStr;

use keys::{Address, Mode};
use node::Behaviour;
use serde::{Deserialize, Serialize};

use crate::{
    failure::{Failure, Outcome},
    network::{NodeLayout, file},
};

/// What every mark begins with.
pub const MARK: &str = "hawser-testnet-traitor/";

/// A behaviour that can be set on a node.
#[derive(Debug)]
pub struct Kind {
    /// The name on the command line.
    pub name: &'static str,
    /// Found in every executable that contains it.
    pub mark: &'static str,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What to expect in byzantine mode; see [`Layout::spell_out`] for the commands in it.
    ///
    /// [`Layout::spell_out`]: crate::network::Layout::spell_out
    pub contained: &'static str,
    /// What to expect in the Raft modes, which do not tolerate it.
    pub unchecked: &'static str,
    /// Whether it is turned against one account.
    pub takes_account: bool,
    make: fn(Option<Address>) -> Box<dyn Behaviour>,
}

/// Every behaviour.
pub static KINDS: &[Kind] = &[
    mute::KIND,
    equivocate::KIND,
    censor::KIND,
    double_vote::KIND,
    term_inflate::KIND,
    withhold::KIND,
];

impl Kind {
    /// The behaviour of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.name == name)
    }

    /// What to expect in a mode.
    #[must_use]
    pub const fn expectation(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::Byzantine => self.contained,
            Mode::Raft | Mode::RaftSigned => self.unchecked,
        }
    }
}

/// A behaviour as it is set on a node, and kept in its folder so that it outlives a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// The behaviour's name.
    pub behaviour: String,
    /// The account that it is turned against, if it takes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Address>,
}

impl Setting {
    fn kind(&self) -> Outcome<&'static Kind> {
        Kind::find(&self.behaviour).ok_or_else(|| {
            let names: Vec<_> = KINDS.iter().map(|kind| kind.name).collect();
            Failure::usage(format!("there is no behaviour {:?}", self.behaviour))
                .next(format!("There are {}.", names.join(", ")))
        })
    }

    /// The behaviour's mark, for the node's log.
    #[must_use]
    pub fn mark(&self) -> &'static str {
        self.kind().map_or("", |kind| kind.mark)
    }

    /// The behaviour itself.
    ///
    /// # Errors
    /// If there is none of that name, or the account is missing or one too many.
    pub fn make(&self) -> Outcome<Box<dyn Behaviour>> {
        let kind = self.kind()?;
        if kind.takes_account != self.account.is_some() {
            return Err(Failure::usage(if kind.takes_account {
                format!(
                    "{} is turned against an account: say which with --account",
                    kind.name
                )
            } else {
                format!("{} is not turned against an account", kind.name)
            }));
        }
        Ok((kind.make)(self.account))
    }

    /// The one kept for a node.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn load(node: &NodeLayout) -> Outcome<Option<Self>> {
        file::read(&node.behaviour())
    }

    /// Keeps one for a node, or none.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn store(setting: Option<&Self>, node: &NodeLayout) -> Outcome {
        match setting {
            Some(setting) => file::write(&node.behaviour(), setting),
            None => file::remove(&node.behaviour()),
        }
    }
}

impl FromStr for Setting {
    type Err = Failure;

    fn from_str(name: &str) -> Outcome<Self> {
        let setting = Self {
            behaviour: name.to_owned(),
            account: None,
        };
        setting.kind()?;
        Ok(setting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_behaviour_is_found_by_its_name_and_marked_with_it() {
        for kind in KINDS {
            assert!(std::ptr::eq(Kind::find(kind.name).unwrap(), kind));
            assert_eq!(kind.mark, format!("{MARK}{}", kind.name));
            let account = kind.takes_account.then(|| Address::from_bytes([1; 32]));
            let setting = Setting {
                behaviour: kind.name.to_owned(),
                account,
            };
            assert_eq!(setting.make().unwrap().name(), kind.name);
            let wrong = Setting {
                account: (!kind.takes_account).then(|| Address::from_bytes([1; 32])),
                ..setting
            };
            assert!(wrong.make().is_err());
        }
        assert!("saint".parse::<Setting>().is_err());
    }
}
