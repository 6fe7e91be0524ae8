//! What a long run tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::IsTerminal,
    path::PathBuf,
    time::Duration,
};

use consensus::Mode;
use serde_json::{Value, json};
use simulator::{conformance, run::Totals, twins};

/// Seconds of a year.
const YEAR: f64 = 365.25 * 86_400.0;

/// What came of the networks of one mode and size.
pub struct Network {
    mode: Mode,
    nodes: usize,
    totals: Totals,
    spent: Duration,
}

impl Network {
    /// Nothing so far.
    pub fn new(mode: Mode, nodes: usize) -> Self {
        Self {
            mode,
            nodes,
            totals: Totals::default(),
            spent: Duration::ZERO,
        }
    }

    /// Adds seeds, and how long they took.
    pub fn add(&mut self, totals: Totals, spent: Duration) {
        self.totals.join(totals);
        self.spent += spent;
    }
}

/// The totals of a long run so far.
pub struct Report {
    name: &'static str,
    json: bool,
    /// Of each network.
    pub networks: Vec<Network>,
    /// How many scenarios were played.
    pub attacks: u64,
    /// The twins, all together.
    pub twins: twins::Totals,
    /// The runs that were taken through the model, all together.
    replays: conformance::Totals,
    /// Scenario files of failures.
    pub files: Vec<PathBuf>,
    failures: Vec<Value>,
}

impl Report {
    /// Nothing so far.
    pub fn new(name: &'static str, json: bool, networks: Vec<Network>) -> Self {
        Self {
            name,
            json,
            networks,
            attacks: 0,
            twins: twins::Totals::default(),
            replays: conformance::Totals::default(),
            files: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Whether anything was not as it must be.
    pub fn has_failures(&self) -> bool {
        !self.failures.is_empty()
    }

    /// Notes a failure, and says it at once.
    pub fn failed(&mut self, what: &str, story: &str, replay: &str) {
        self.clear_progress();
        eprintln!("{what}: {story}\n  replay: {replay}");
        self.failures
            .push(json!({ "what": what, "violation": story, "replay": replay }));
    }

    /// Notes a scenario file.
    pub fn wrote(&mut self, path: PathBuf) {
        eprintln!("  shrunk: cargo sim play {}", path.display());
        self.files.push(path);
    }

    /// Says something that is no failure of the protocol.
    pub fn warn(&self, text: &str) {
        self.clear_progress();
        eprintln!("warning: {text}");
    }

    /// Adds schedules of twins.
    pub fn add_twins(&mut self, mut totals: twins::Totals) {
        for played in std::mem::take(&mut totals.violations) {
            let replay = format!("cargo sim twins --schedule \"{}\" --trace", played.schedule);
            let story = played.violation.unwrap_or_default();
            self.failed(&format!("twins {}", played.schedule), &story, &replay);
        }
        self.twins.join(totals);
    }

    /// Adds runs of so many nodes that were taken through the model.
    pub fn add_replays(&mut self, nodes: usize, totals: conformance::Totals) {
        for replayed in &totals.failures {
            let seed = replayed.seed;
            let replay = format!(
                "cargo sim conform --nodes {nodes} --seeds {seed}..{}",
                seed + 1
            );
            let story = replayed.divergence.as_ref().or(replayed.violation.as_ref());
            self.failed(
                &format!("replay, {nodes} nodes, seed {seed}"),
                story.map_or("", String::as_str),
                &replay,
            );
        }
        self.replays.join(totals);
    }

    fn live(&self) -> bool {
        std::io::stderr().is_terminal() && !self.json
    }

    /// One line of what there is so far, where somebody watches.
    pub fn progress(&self, elapsed: Duration, limit: Duration) {
        if self.live() {
            let (now, end) = (elapsed.as_secs(), limit.as_secs());
            eprint!("\r\x1b[2K{now}/{end} s: {}", self.line());
        }
    }

    /// Removes that line.
    pub fn clear_progress(&self) {
        if self.live() {
            eprint!("\r\x1b[2K");
        }
    }

    fn seeds(&self) -> u64 {
        self.networks
            .iter()
            .map(|network| network.totals.seeds)
            .sum()
    }

    fn simulated(&self) -> f64 {
        let networks = self
            .networks
            .iter()
            .map(|network| network.totals.simulated_micros);
        let micros = networks.sum::<u64>() + self.twins.simulated_micros;
        Duration::from_micros(micros).as_secs_f64()
    }

    fn strategies(&self) -> BTreeMap<&str, u64> {
        let mut all = BTreeMap::new();
        for network in &self.networks {
            for (name, seeds) in &network.totals.adversaries {
                *all.entry(name.as_str()).or_default() += seeds;
            }
        }
        all
    }

    fn line(&self) -> String {
        let strategies = self.strategies();
        let single: BTreeSet<&str> = strategies.keys().flat_map(|name| name.split('+')).collect();
        let pairs = strategies.keys().filter(|name| name.contains('+')).count();
        let seconds = self.simulated();
        format!(
            "{} seeds, {:.2} days simulated ({:.4} years), {} adversaries and {pairs} pairs of \
             them, {} attacks, {} schedules of twins, {} runs through the model, {} violations",
            self.seeds(),
            seconds / 86_400.0,
            seconds / YEAR,
            single.len(),
            self.attacks,
            self.twins.played,
            self.replays.traces,
            self.failures.len()
        )
    }

    /// The totals.
    pub fn print(&self, elapsed: Duration) {
        if self.json {
            println!("{}", self.to_json(elapsed));
            return;
        }
        for Network {
            mode,
            nodes,
            totals,
            spent,
        } in &self.networks
        {
            if totals.seeds > 0 {
                println!(
                    "{mode}, {nodes} nodes: {}",
                    crate::output::line(totals, *spent)
                );
            }
        }
        if self.twins.played > 0 {
            println!("twins: {}", super::twins::line(&self.twins));
        }
        if self.replays.traces > 0 {
            println!("model: {}", super::conform::line(&self.replays));
        }
        println!("{}: {} in {} s", self.name, self.line(), elapsed.as_secs());
        if let Some(path) = self.files.first() {
            println!("next: cargo sim play {} --trace", path.display());
        }
    }

    fn to_json(&self, elapsed: Duration) -> Value {
        let networks = self.networks.iter().map(|network| {
            let Network {
                mode,
                nodes,
                totals,
                spent,
            } = network;
            json!({
                "mode": mode.as_str(),
                "nodes": nodes,
                "seeds": totals.seeds,
                "seconds": spent.as_secs_f64(),
                "events": totals.events,
                "simulated_seconds": Duration::from_micros(totals.simulated_micros).as_secs_f64(),
                "commits": totals.commits,
                "answered": totals.answered,
                "leader_changes": totals.leader_changes,
                "violations": totals.violations.len(),
            })
        });
        let files: Vec<String> = self
            .files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        let seconds = self.simulated();
        json!({
            "command": self.name,
            "seconds": elapsed.as_secs_f64(),
            "seeds": self.seeds(),
            "simulated_seconds": seconds,
            "simulated_days": seconds / 86_400.0,
            "simulated_years": seconds / YEAR,
            "networks": networks.collect::<Vec<_>>(),
            "adversaries": self.strategies(),
            "attacks": self.attacks,
            "twins": self.twins,
            "replays": self.replays,
            "violations": self.failures,
            "scenario_files": files,
        })
    }
}
