//! Every attack by name, against ours, and what it costs correct clients.

use std::fmt::Write as _;

use clap::Args;
use serde_json::json;
use simulator::{
    adversary::Behaviour,
    attacks::{self, Attack, Report, Running, Throughput, throughput},
    scenario,
};
use terminal::exit::Code;

/// Runs every attack of the catalogue, or the ones named, and prints what came of each.
#[derive(Clone, Debug, Args)]
pub struct Attacks {
    /// The attacks; all of them if none is named. A single one is run with its tests, which cargo may
    /// have to build.
    ids: Vec<String>,
    /// Seeds of everything that is drawn.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    seeds: u64,
    /// Simulated seconds a seed.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Runs the tests of other crates too.
    #[arg(long)]
    tests: bool,
    /// Measures what correct clients get done under each attack instead.
    #[arg(long, conflicts_with_all = ["ids", "tests"])]
    throughput: bool,
    /// The catalogue as a table in Markdown, as docs/attacks.md has it.
    #[arg(long, conflicts_with_all = ["throughput", "tests", "ids"])]
    markdown: bool,
    /// How many threads [default: one for each core].
    #[arg(long)]
    jobs: Option<usize>,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

/// Runs one attack as it is run by default.
///
/// # Errors
/// A name that is no attack.
pub fn one(id: &str, json: bool) -> Result<Code, String> {
    Attacks {
        ids: vec![id.to_owned()],
        seeds: 4,
        seconds: 20,
        tests: true,
        throughput: false,
        markdown: false,
        jobs: None,
        json,
    }
    .run()
}

impl Attacks {
    /// Runs them.
    ///
    /// # Errors
    /// A name that is no attack.
    pub fn run(&self) -> Result<Code, String> {
        if self.markdown {
            print!("{}", markdown());
            return Ok(Code::Ok);
        }
        if self.throughput {
            return Ok(self.measure());
        }
        let chosen = self.chosen()?;
        let running = Running {
            seeds: self.seeds,
            seconds: self.seconds,
            tests: self.tests || self.ids.len() == 1,
            jobs: self.jobs.unwrap_or_else(|| {
                std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
            }),
        };
        let mut reports = Vec::new();
        for attack in chosen {
            let report = running.run(attack);
            if !self.json {
                self.tell(attack, &report);
            }
            reports.push(report);
        }
        let failed = reports.iter().filter(|report| !report.holds).count();
        self.total(&reports, failed);
        Ok(if failed == 0 {
            Code::Ok
        } else {
            Code::AssertionFailed
        })
    }

    fn chosen(&self) -> Result<Vec<&'static Attack>, String> {
        if self.ids.is_empty() {
            return Ok(attacks::all().collect());
        }
        let find = |id: &String| {
            Attack::find(id).ok_or_else(|| match id {
                id if scenario::list().iter().any(|one| one.id == id) => {
                    format!("'{id}' is a scenario: cargo sim --scenario {id}")
                }
                id if Behaviour::find(id).is_some() => {
                    format!("'{id}' is an adversary: cargo sim --adversary {id}")
                }
                id => format!("there is no attack '{id}': cargo sim --list names them"),
            })
        };
        self.ids.iter().map(find).collect()
    }

    fn tell(&self, attack: &Attack, report: &Report) {
        let word = match (report.holds, report.complete) {
            (false, _) => "FAILED",
            (true, true) => "harmless",
            (true, false) => "harmless*",
        };
        println!("{:<33} {:<10} {}", attack.id, word, attack.rule);
        if !report.holds || !self.ids.is_empty() {
            println!("  {}", attack.summary);
            let published = attack.published_line();
            if !published.is_empty() {
                println!("  published: {published}");
            }
            for line in &report.lines {
                println!("  {line}");
            }
        }
    }

    fn total(&self, reports: &[Report], failed: usize) {
        let sum = |count: fn(&Report) -> u64| reports.iter().map(count).sum::<u64>();
        let (seeds, scripts, tests) = (
            sum(|report| report.seeds),
            sum(|report| report.scripts),
            sum(|report| report.tests),
        );
        let incomplete = reports.iter().filter(|report| !report.complete).count();
        if self.json {
            println!(
                "{}",
                json!({
                    "attacks": reports.len(),
                    "failed": failed,
                    "seeds": seeds,
                    "scripts": scripts,
                    "tests": tests,
                    "incomplete": incomplete,
                    "reports": reports,
                })
            );
            return;
        }
        println!(
            "{} attacks, {failed} failed: {seeds} seeds, {scripts} scripts, {tests} tests of other crates",
            reports.len()
        );
        if incomplete > 0 {
            println!(
                "* {incomplete} have tests in other crates: cargo sim attacks --tests, or cargo test"
            );
        }
        if failed == 0 {
            println!("next: cargo sim attacks --throughput");
        }
    }

    fn measure(&self) -> Code {
        let as_json = self.json;
        if !as_json {
            println!("requests a simulated second, 8 clients that ask again when answered");
            println!(
                "{:<36} {:>5} {:>11} {:>9} {:>6} {:>6} {:>8}",
                "adversary", "nodes", "undisturbed", "attacked", "ratio", "worst", "leaders"
            );
        }
        let mut tell = |one: &Throughput| {
            if as_json {
                return;
            }
            let mut line = format!(
                "{:<36} {:>5} {:>11.0} {:>9.0} {:>6.2} {:>6.2} {:>8}",
                one.adversary,
                one.nodes,
                one.undisturbed,
                one.attacked,
                one.ratio,
                one.worst,
                one.leader_changes
            );
            if let Some(violation) = &one.violation {
                let _ = write!(line, "  {violation}");
            } else if !one.holds() {
                line.push_str("  FAILED");
            } else if let Some(reason) = one.reason {
                let _ = write!(line, "  {reason}");
            }
            println!("{line}");
        };
        let results = throughput(self.seconds, self.seeds, &mut tell);
        let failed = results.iter().filter(|one| !one.holds()).count();
        if as_json {
            println!("{}", json!({ "failed": failed, "throughput": results }));
        } else {
            println!(
                "{} attacks, {failed} below {} without a reason",
                results.len(),
                attacks::SHARE
            );
        }
        if failed == 0 {
            Code::Ok
        } else {
            Code::AssertionFailed
        }
    }
}

/// The table of docs/attacks.md.
fn markdown() -> String {
    let mut table = String::from(
        "| attack | source | rule | what happens | published (paper, code, juno) | ours |\n|---|---|---|---|---|---|\n",
    );
    for attack in attacks::all() {
        let means: Vec<String> = attack.means.iter().map(ToString::to_string).collect();
        let published = match attack.published_line() {
            line if line.is_empty() => "–".to_owned(),
            line => line,
        };
        let _ = writeln!(
            table,
            "| `{}` | {} | {} | {} | {published} | {} |",
            attack.id,
            attack.source,
            attack.rule,
            attack.summary,
            means.join(", ")
        );
    }
    table
}
