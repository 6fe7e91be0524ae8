//! The command line.

use std::{ops::Range, str::FromStr};

use clap::Parser;
use consensus::Mode;

use crate::command::Command;
use simulator::{
    adversary::Strategy,
    run::{Adversaries, Options},
    signing::Signatures,
};

/// Runs whole networks in virtual time: every seed another story of delays, losses, partitions,
/// crashes and traitors, with every rule checked after every event.
///
/// Exit code 6: a rule was broken; the command that replays it is printed.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo sim", version, args_conflicts_with_subcommands = true)]
pub struct Arguments {
    /// Another thing to do than running seeds.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How the network agrees: raft, raft-signed or byzantine.
    #[arg(long, default_value = "byzantine")]
    pub mode: Mode,
    /// How many nodes.
    #[arg(long, default_value_t = 4)]
    pub nodes: usize,
    /// Which seeds: FROM..TO without TO, or a single one.
    #[arg(long, default_value = "0..100", value_name = "FROM..TO")]
    pub seeds: Seeds,
    /// What the f Byzantine nodes do: a name of --list, two at once as NAME+NAME, another for each
    /// node as NAME,NAME; `none`; or `rotating` for another with each seed.
    #[arg(long, default_value = "rotating", value_name = "NAME")]
    pub adversary: String,
    /// Simulated seconds a seed; faults end after three quarters.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub seconds: u64,
    /// Requests a simulated second, from all clients together.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub rate: u32,
    /// Which signatures [default: real ones for every twentieth seed].
    #[arg(long)]
    pub signatures: Option<Signatures>,
    /// How many seeds at a time [default: one for each core].
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Prints everything that happens, on standard output.
    #[arg(long)]
    pub trace: bool,
    /// Names adversaries, invariants and scenarios.
    #[arg(long)]
    pub list: bool,
    /// Plays one scenario of --list.
    #[arg(long, value_name = "ID")]
    pub scenario: Option<String>,
    /// Results as JSON on standard output.
    #[arg(long)]
    pub json: bool,
}

/// A range of seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| {
            part.parse::<u64>()
                .map_err(|_| format!("'{part}' is no seed: use 17 or 0..1000"))
        };
        let range = match text.split_once("..") {
            Some((from, to)) => number(from)?..number(to)?,
            None => {
                let seed = number(text)?;
                seed..seed.checked_add(1).ok_or("the seed is too large")?
            }
        };
        if range.is_empty() {
            return Err(format!("{text} holds no seed"));
        }
        Ok(Self(range))
    }
}

impl Arguments {
    /// What to run.
    ///
    /// # Errors
    /// What cannot be run, and what could.
    pub fn options(&self) -> Result<Options, String> {
        consensus::FaultModel::new(self.mode, self.nodes).map_err(|error| error.to_string())?;
        Ok(Options {
            mode: self.mode,
            nodes: self.nodes,
            seconds: self.seconds,
            rate: self.rate,
            adversaries: self.adversaries()?,
            signatures: self.signatures,
            mutation: None,
        })
    }

    fn adversaries(&self) -> Result<Adversaries, String> {
        adversaries(self.mode, &self.adversary)
    }

    /// How many threads.
    #[must_use]
    pub fn jobs(&self) -> usize {
        self.jobs.unwrap_or_else(|| {
            std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
        })
    }

    /// The command that replays a seed of this run.
    #[must_use]
    pub fn replay(&self, seed: u64) -> String {
        let mut command = format!(
            "cargo sim --mode {} --nodes {} --seeds {seed}..{} --adversary {} --seconds {} --rate {}",
            self.mode,
            self.nodes,
            seed.saturating_add(1),
            self.adversary,
            self.seconds,
            self.rate
        );
        match self.signatures {
            Some(Signatures::Real) => command.push_str(" --signatures real"),
            Some(Signatures::StandIn) => command.push_str(" --signatures stand-in"),
            None => {}
        }
        command.push_str(" --trace");
        command
    }
}

/// What the Byzantine nodes do, from their names on the command line.
///
/// # Errors
/// A name that there is not, or a mode without Byzantine nodes.
pub fn adversaries(mode: Mode, names: &str) -> Result<Adversaries, String> {
    match names {
        "none" => Ok(Adversaries::Nobody),
        "rotating" => Ok(Adversaries::Rotating),
        names => {
            let strategies = names
                .split(',')
                .map(Strategy::read)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|name| {
                    format!(
                        "there is no adversary '{name}': use none, rotating, {}",
                        crate::behaviours()
                    )
                })?;
            if mode == Mode::Byzantine {
                // Read once, for as long as the program runs.
                Ok(Adversaries::Each(Vec::leak(strategies)))
            } else {
                Err(format!(
                    "mode {} tolerates crashes, not traitors; --mode byzantine does",
                    mode
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_a_range_or_one() {
        assert_eq!("3..7".parse(), Ok(Seeds(3..7)));
        assert_eq!("17".parse(), Ok(Seeds(17..18)));
        for wrong in ["7..3", "3..3", "x", "", "1..y", "18446744073709551615"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_replay_is_the_same_run() {
        let line = "cargo sim --mode byzantine --nodes 7 --seeds 0..50 --adversary censor \
                    --seconds 30 --rate 5 --signatures real";
        let arguments = Arguments::parse_from(line.split_whitespace().skip(1));
        let replay = arguments.replay(17);
        let again = Arguments::parse_from(replay.split_whitespace().skip(1));
        assert_eq!(again.seeds, Seeds(17..18));
        assert!(again.trace);
        assert_eq!(
            format!(
                "{:?}",
                Arguments {
                    seeds: Seeds(0..50),
                    trace: false,
                    ..again
                }
            ),
            format!("{arguments:?}")
        );
    }

    #[test]
    fn what_cannot_run_is_refused_with_what_could() {
        let options = |line: &str| {
            Arguments::parse_from(line.split_whitespace())
                .options()
                .map(|_| ())
        };
        assert!(options("sim --adversary equivocator").is_ok());
        assert!(options("sim --nodes 7 --adversary equivocator+censor,shunner").is_ok());
        assert!(options("sim --adversary censor+saint").is_err());
        assert!(
            options("sim --adversary saint")
                .unwrap_err()
                .contains("silent")
        );
        assert!(options("sim --mode raft --adversary silent").is_err());
        assert!(options("sim --nodes 3").unwrap_err().contains("at least 4"));
        assert!(options("sim --mode raft --nodes 3").is_ok());
    }
}
