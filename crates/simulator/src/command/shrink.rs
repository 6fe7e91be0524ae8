//! `cargo sim shrink` and `cargo sim play`.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use clap::Args;
use consensus::Mode;
use serde_json::json;
use simulator::{
    plan::{self, Plan},
    run::Options,
    shrink::{self, Budget, ShrinkError, Size},
    trace::Trace,
};
use terminal::exit::Code;

/// Makes a failing seed small: as few traitors, faults and requests, and as short, as still break
/// the same rule. Writes a scenario file for `cargo sim play`.
#[derive(Clone, Debug, Args)]
pub struct Shrink {
    /// How the network agrees: raft, raft-signed or byzantine.
    #[arg(long, default_value = "byzantine")]
    mode: Mode,
    /// How many nodes.
    #[arg(long, default_value_t = 4)]
    nodes: usize,
    /// The seed that breaks a rule.
    #[arg(long)]
    seed: u64,
    /// What the Byzantine nodes do, as in `cargo sim`.
    #[arg(long, default_value = "rotating", value_name = "NAME")]
    adversary: String,
    /// How many nodes are Byzantine [default: f].
    #[arg(long)]
    traitors: Option<usize>,
    /// Simulated seconds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Requests a simulated second, from all clients together.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    rate: u32,
    /// Breaks this rule of the core on purpose; takes a build with the feature `mutations`.
    #[arg(long, value_name = "NAME")]
    mutation: Option<String>,
    /// The scenario file.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// How long it may take, in seconds.
    #[arg(long, default_value_t = 60)]
    within: u64,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Plays a scenario file. Exit code 6: it breaks a rule.
#[derive(Clone, Debug, Args)]
pub struct Play {
    /// The scenario file.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Prints everything that happens, on standard output.
    #[arg(long)]
    trace: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Writes a scenario file, and the directory that it is in.
pub fn write(path: &Path, plan: &Plan) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{} cannot be written: {error}", path.display());
    if let Some(directory) = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
    {
        fs::create_dir_all(directory).map_err(failed)?;
    }
    fs::write(path, plan.to_json()).map_err(failed)
}

fn size(size: Size) -> String {
    format!(
        "{} traitors, {} faults, {} requests, {:.3} s",
        size.traitors,
        size.acts,
        size.requests,
        Duration::from_micros(size.micros).as_secs_f64()
    )
}

impl Shrink {
    fn options(&self) -> Result<Options, String> {
        consensus::FaultModel::new(self.mode, self.nodes).map_err(|error| error.to_string())?;
        let mutation = match &self.mutation {
            None => None,
            Some(name) if !cfg!(feature = "mutations") => {
                return Err(format!(
                    "--mutation {name} takes a build that can: cargo run --release -p simulator \
                     --features mutations -- shrink …"
                ));
            }
            Some(name) => Some(plan::mutation(name).ok_or_else(|| {
                format!("there is no mutation '{name}': cargo sim mutations --list names them")
            })?),
        };
        Ok(Options {
            mode: self.mode,
            nodes: self.nodes,
            seconds: self.seconds,
            rate: self.rate,
            adversaries: crate::arguments::adversaries(self.mode, &self.adversary)?,
            signatures: None,
            mutation,
        })
    }

    /// Shrinks and writes.
    ///
    /// # Errors
    /// What cannot be run, and what could.
    pub fn run(&self) -> Result<Code, String> {
        let options = self.options()?;
        let started = Instant::now();
        let (plan, played) =
            plan::record(&options, self.seed, self.traitors).map_err(|error| error.to_string())?;
        let Some(broken) = played.broken else {
            return Err(format!(
                "seed {} breaks no rule: there is nothing to shrink",
                self.seed
            ));
        };
        let budget = Budget {
            plays: u64::MAX,
            until: Some(started + Duration::from_secs(self.within)),
        };
        let shrunk = shrink::shrink(&plan, budget).map_err(|error| match error {
            ShrinkError::Holds => format!(
                "seed {} breaks a rule ({}), but its plan does not",
                self.seed, broken.story
            ),
            ShrinkError::Plan(error) => error.to_string(),
        })?;
        write(&self.out, &shrunk.plan)?;
        let (before, after) = (Size::of(&plan), Size::of(&shrunk.plan));
        if self.json {
            println!(
                "{}",
                json!({
                    "violation": shrunk.broken,
                    "before": before,
                    "after": after,
                    "plays": shrunk.plays,
                    "seconds": started.elapsed().as_secs_f64(),
                    "file": self.out.display().to_string(),
                })
            );
        } else {
            println!("{}", shrunk.broken.story);
            println!(
                "{} became {} in {} plays and {:.1} s",
                size(before),
                size(after),
                shrunk.plays,
                started.elapsed().as_secs_f64()
            );
            println!("next: cargo sim play {}", self.out.display());
        }
        Ok(Code::Ok)
    }
}

impl Play {
    /// Plays it.
    ///
    /// # Errors
    /// A file that cannot be read or played.
    pub fn run(&self) -> Result<Code, String> {
        let file = self.file.display();
        let text = fs::read_to_string(&self.file)
            .map_err(|error| format!("{file} cannot be read: {error}"))?;
        let plan = Plan::from_json(&text).map_err(|error| format!("{file}: {error}"))?;
        let trace = if self.trace {
            Trace::to_stdout()
        } else {
            Trace::Off
        };
        let played = plan::play(&plan, trace).map_err(|error| format!("{file}: {error}"))?;
        let story = match &played.broken {
            Some(broken) => broken.story.clone(),
            None => match &plan.breaks {
                Some(invariant) => format!("no rule is broken; once it was: {invariant}"),
                None => "no rule is broken".to_owned(),
            },
        };
        if self.json {
            println!("{}", json!(played));
        } else {
            let line = format!(
                "{}: {} commits, {} answers: {story}",
                size(Size::of(&plan)),
                played.commits,
                played.answered
            );
            if self.trace {
                eprintln!("{line}");
            } else {
                println!("{line}");
            }
        }
        Ok(super::long::code(played.broken.is_none()))
    }
}
