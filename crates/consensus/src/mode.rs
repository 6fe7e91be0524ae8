//! The three modes (P1.3), and every rule that is a number or a yes/no and differs between them.

use std::{fmt, str::FromStr};

use thiserror::Error;

use crate::{
    mutation::{self, Mutation},
    types::NodeId,
};

/// How the network reaches agreement. Fixed in genesis and part of every signed byte string.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Crash-fault Raft, peers known by their channel only.
    Raft,
    /// The same Raft, every RPC and entry signed and checked.
    RaftSigned,
    /// The Byzantine rules.
    Byzantine,
}

impl Mode {
    /// All modes, in the order of their wire numbers.
    pub const ALL: [Self; 3] = [Self::Raft, Self::RaftSigned, Self::Byzantine];

    /// The number that stands for the mode in signed bytes.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether RPCs and entries carry signatures.
    #[must_use]
    pub const fn signs(self) -> bool {
        !matches!(self, Self::Raft)
    }

    /// The name used on the command line and in genesis.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raft => "raft",
            Self::RaftSigned => "raft-signed",
            Self::Byzantine => "byzantine",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A name that is no mode.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("'{0}' is not a mode: use raft, raft-signed or byzantine")]
pub struct UnknownMode(pub String);

impl FromStr for Mode {
    type Err = UnknownMode;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mode| mode.as_str() == name)
            .ok_or_else(|| UnknownMode(name.to_owned()))
    }
}

/// A number of validators that a mode cannot work with.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SizeError {
    /// Nobody to agree.
    #[error("a network needs at least one validator")]
    Empty,
    /// Byzantine mode with fewer than four validators tolerates nobody.
    #[error(
        "byzantine mode needs at least 4 validators to tolerate one traitor, and there are {0}"
    )]
    TooFewForByzantine(usize),
    /// Beyond the limit.
    #[error("{0} validators are more than the limit of {limit}", limit = FaultModel::MOST_VALIDATORS)]
    TooMany(usize),
}

/// The sizes that follow from the mode and the number of validators (P1.2). Never configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultModel {
    mode: Mode,
    validators: usize,
}

impl FaultModel {
    /// The most validators of a network.
    pub const MOST_VALIDATORS: usize = 64;

    /// The sizes for `validators` nodes.
    ///
    /// # Errors
    /// [`SizeError`] for a number that the mode cannot work with.
    pub const fn new(mode: Mode, validators: usize) -> Result<Self, SizeError> {
        match validators {
            0 => Err(SizeError::Empty),
            1..4 if matches!(mode, Mode::Byzantine) => {
                Err(SizeError::TooFewForByzantine(validators))
            }
            n if n > Self::MOST_VALIDATORS => Err(SizeError::TooMany(n)),
            _ => Ok(Self { mode, validators }),
        }
    }

    /// n: how many validators there are.
    #[must_use]
    pub const fn validators(self) -> usize {
        self.validators
    }

    /// f: how many of them may fail, by crashing (Raft) or in any way (Byzantine).
    #[must_use]
    pub const fn faulty(self) -> usize {
        match self.mode {
            Mode::Raft | Mode::RaftSigned => (self.validators - 1) / 2,
            Mode::Byzantine => (self.validators - 1) / 3,
        }
    }

    /// Q: any two sets of this size share a node (Raft) or a correct node (Byzantine).
    #[must_use]
    pub fn quorum(self) -> usize {
        match self.mode {
            Mode::Raft | Mode::RaftSigned => self.validators / 2 + 1,
            Mode::Byzantine => {
                (self.validators + self.faulty() + 1).div_ceil(2)
                    - usize::from(mutation::active(Mutation::SmallerQuorum))
            }
        }
    }

    /// F: this many accepted votes commit in one round (P2.7). In Raft the quorum does.
    #[must_use]
    pub fn fast_quorum(self) -> usize {
        match self.mode {
            Mode::Raft | Mode::RaftSigned => self.quorum(),
            Mode::Byzantine => {
                let n = self.validators;
                let fast = n - (n + 1 - 3 * self.faulty()) / 2;
                if fast > self.quorum() {
                    fast
                } else {
                    self.quorum()
                }
            }
        }
    }

    /// t = n − F: how many nodes may be bad or slow for a commit in one round.
    #[must_use]
    pub fn slack(self) -> usize {
        self.validators - self.fast_quorum()
    }

    /// How many reports a leader change needs: n − f (P4.7).
    #[must_use]
    pub const fn reports(self) -> usize {
        self.validators - self.faulty()
    }

    /// f + 1 in Byzantine mode: at least one of them is correct. One in the Raft modes, where
    /// every node is believed.
    #[must_use]
    pub const fn matching_answers(self) -> usize {
        match self.mode {
            Mode::Raft | Mode::RaftSigned => 1,
            Mode::Byzantine => self.faulty() + 1,
        }
    }

    /// The mode.
    #[must_use]
    pub const fn mode(self) -> Mode {
        self.mode
    }

    /// The validators in order.
    pub fn nodes(self) -> impl Iterator<Item = NodeId> {
        (0..self.validators).map(|position| {
            NodeId(u16::try_from(position).expect("the limit on validators keeps positions small"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P1.2, the table: n, f, Q, F.
    #[test]
    fn sizes_of_the_byzantine_mode() {
        for (n, f, q, fast) in [
            (4, 1, 3, 3),
            (5, 1, 4, 4),
            (6, 1, 4, 4),
            (7, 2, 5, 6),
            (9, 2, 6, 7),
            (10, 3, 7, 9),
        ] {
            let sizes = FaultModel::new(Mode::Byzantine, n).unwrap();
            assert_eq!(
                (sizes.faulty(), sizes.quorum(), sizes.fast_quorum()),
                (f, q, fast),
                "n = {n}"
            );
        }
    }

    #[test]
    fn any_two_quorums_share_a_correct_node() {
        for n in 4..=FaultModel::MOST_VALIDATORS {
            let sizes = FaultModel::new(Mode::Byzantine, n).unwrap();
            assert!(2 * sizes.quorum() > n + sizes.faulty(), "n = {n}");
            assert!(
                sizes.quorum() <= n - sizes.faulty(),
                "correct nodes alone make a quorum, n = {n}"
            );
            let raft = FaultModel::new(Mode::Raft, n).unwrap();
            assert!(2 * raft.quorum() > n);
        }
    }

    #[test]
    fn byzantine_mode_refuses_fewer_than_four() {
        assert_eq!(
            FaultModel::new(Mode::Byzantine, 3),
            Err(SizeError::TooFewForByzantine(3))
        );
        assert!(FaultModel::new(Mode::Raft, 3).is_ok());
        assert_eq!(FaultModel::new(Mode::Raft, 0), Err(SizeError::Empty));
    }
}
