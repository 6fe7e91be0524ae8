//! The rules of progress.

use clap::Args;
use model::liveness::{
    explore::{Bounds, Explored},
    rules::{Broken, LONGEST_TIMER},
    suite::{BOUND, SEARCHES, Search},
    walk::{Walked, walks},
};
use serde_json::{Value, json};
use terminal::exit::Code;

use super::{code, print_lines, rate, sizes};

/// Checks that a timely network commits within a bound, keeps its good leaders and leaves no
/// correct node behind.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// Four nodes are searched whole; 5 to 10 by random walks.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=10))]
    nodes: u8,
    /// How far the terms of correct nodes lie apart at the start.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    apart: u8,
    /// Levels of nodes differ at the start.
    #[arg(long)]
    mixed_levels: bool,
    /// States at which a search gives up; it then counts as incomplete, and says so.
    #[arg(long, default_value_t = 6_000_000)]
    most_states: usize,
    /// Random walks, for more than four nodes.
    #[arg(long, default_value_t = 2_000)]
    walks: u64,
    /// The first seed of the walks.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Breaks a rule: a name of --list.
    #[arg(long, default_value = "as-written", value_name = "NAME")]
    broken: Broken,
    /// Breaks the rules one by one; each must be noticed, unless others make up for it.
    #[arg(long)]
    mutations: bool,
    /// Names the rules that can be broken.
    #[arg(long)]
    list: bool,
    /// Prints the ticks to each breach.
    #[arg(long)]
    trace: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Searches and prints.
    ///
    /// # Errors
    /// Sizes that make no network.
    pub fn run(&self) -> Result<Code, String> {
        sizes(usize::from(self.nodes))?;
        if self.list {
            self.names();
            return Ok(Code::Ok);
        }
        if self.mutations {
            return Ok(code(self.break_all()));
        }
        if self.nodes > 4 {
            return Ok(code(self.walk()));
        }
        let mut results = Vec::new();
        for search in SEARCHES {
            let explored = self.search(search, self.broken)?;
            self.print(search, &explored);
            results.push((search, explored));
        }
        let states: usize = results.iter().map(|(_, one)| one.states).sum();
        let complete = results.iter().all(|(_, one)| one.complete);
        let holds = results.iter().all(|(_, one)| keeps(one));
        if self.json {
            let searches: Vec<Value> = results
                .iter()
                .map(|(search, one)| json(*search, one))
                .collect();
            println!(
                "{}",
                json!({ "searches": searches, "states": states, "complete": complete,
                    "bound_ticks": BOUND, "longest_timer_ticks": LONGEST_TIMER, "holds": holds })
            );
        } else {
            let verdict = match (holds, complete) {
                (false, _) => "VIOLATED",
                (true, true) => "complete, no violation",
                (true, false) => "NOT complete, no violation so far",
            };
            println!("{states} states: {verdict}");
            println!("next: cargo model liveness --mutations");
        }
        Ok(code(holds))
    }

    fn bounds(&self) -> Bounds {
        Bounds {
            apart: self.apart,
            mixed_levels: self.mixed_levels,
            most_states: self.most_states,
        }
    }

    fn search(&self, search: Search, broken: Broken) -> Result<Explored, String> {
        search
            .run(broken, self.bounds())
            .ok_or_else(|| "four nodes make a network".to_owned())
    }

    fn print(&self, search: Search, explored: &Explored) {
        if self.json {
            return;
        }
        println!("{}", line(search, explored));
        if let (true, Some((_, lines))) = (self.trace, &explored.breach) {
            print_lines(lines);
        }
    }

    fn walk(&self) -> bool {
        let nodes = usize::from(self.nodes);
        let walked = walks(nodes, self.broken, self.seed, self.walks);
        let holds = walked.breach.is_none();
        if self.json {
            println!(
                "{}",
                json!({ "nodes": nodes, "walks": walked.walks, "ticks": walked.ticks,
                    "commits": walked.commits, "terms": walked.terms,
                    "longest_stall": walked.longest_stall,
                    "longest_apart": walked.longest_apart,
                    "seconds": walked.elapsed.as_secs_f64(),
                    "seed": walked.breach.map(|(seed, _)| seed),
                    "breach": walked.breach.map(|(_, breach)| breach.name()), "holds": holds })
            );
        } else {
            println!("{}", walk_line(nodes, &walked));
            println!("next: cargo model liveness --mutations");
        }
        holds
    }

    fn break_all(&self) -> bool {
        let mut trials = Vec::new();
        for broken in Broken::ALL {
            let mut bounds = self.bounds();
            // Only who starts behind can be left behind.
            if matches!(
                broken,
                Broken::LateNodesUnanswered | Broken::CertificatesNeverRepeated
            ) {
                bounds.apart = bounds.apart.max(1);
            }
            let found = SEARCHES.iter().find_map(|&search| {
                let explored = search.run(broken, bounds)?;
                (!keeps(&explored)).then_some((search, explored))
            });
            if !self.json {
                let told = match &found {
                    Some((search, explored)) => line(*search, explored),
                    None if broken.is_harmless() => {
                        "no harm: other rules make up for it".to_owned()
                    }
                    None => "UNNOTICED".to_owned(),
                };
                println!("{:<32} {:<5} {told}", broken.name(), broken.rule());
                if let (true, Some((_, explored))) = (self.trace, &found)
                    && let Some((_, lines)) = &explored.breach
                {
                    print_lines(lines);
                }
            }
            trials.push((broken, found));
        }
        let noticed = trials.iter().filter(|(_, found)| found.is_some()).count();
        let harmful = Broken::ALL.iter().filter(|one| !one.is_harmless()).count();
        let holds = trials
            .iter()
            .all(|(broken, found)| found.is_some() != broken.is_harmless());
        if self.json {
            let trials: Vec<Value> = trials
                .iter()
                .map(|(broken, found)| {
                    json!({ "mutation": broken.name(), "rule": broken.rule(),
                        "harmless": broken.is_harmless(),
                        "found": found.as_ref().map(|(search, one)| json(*search, one)) })
                })
                .collect();
            println!(
                "{}",
                json!({ "trials": trials, "noticed": noticed, "holds": holds })
            );
        } else {
            println!(
                "{noticed} of {harmful} noticed: {}",
                if holds {
                    "as expected"
                } else {
                    "NOT as expected"
                }
            );
        }
        holds
    }

    fn names(&self) {
        if self.json {
            let all = Broken::ALL.map(|one| {
                json!({ "mutation": one.name(), "rule": one.rule(), "summary": one.summary(),
                    "harmless": one.is_harmless() })
            });
            println!("{}", json!({ "mutations": all }));
            return;
        }
        for one in Broken::ALL {
            println!("{:<32} {:<5} {}", one.name(), one.rule(), one.summary());
        }
    }
}

/// Whether nothing was broken and progress came within the bound.
fn keeps(explored: &Explored) -> bool {
    explored.breach.is_none()
        && explored
            .longest_stall
            .is_none_or(|longest| longest <= BOUND)
}

fn line(search: Search, explored: &Explored) -> String {
    let timers = |ticks: Option<u32>| {
        ticks.map_or_else(
            || "unknown".to_owned(),
            |ticks| {
                format!(
                    "{ticks} ticks ({:.1} longest timers)",
                    longest_timers(ticks)
                )
            },
        )
    };
    let verdict = match &explored.breach {
        Some((breach, lines)) => format!("{} in {} lines", breach.name(), lines.len()),
        None => format!(
            "longest without progress {}, with a node behind {}{}",
            timers(explored.longest_stall),
            timers(explored.longest_apart),
            if explored.complete {
                ""
            } else {
                "; NOT complete"
            }
        ),
    };
    format!(
        "{:<24} {} starts, {} states, {} ticks, {:.1} s, {:.0} states a second: {verdict}",
        search.name,
        explored.starts,
        explored.states,
        explored.ticks,
        explored.elapsed.as_secs_f64(),
        rate(explored.states as u64, explored.elapsed),
    )
}

fn walk_line(nodes: usize, walked: &Walked) -> String {
    let verdict = walked.breach.map_or_else(
        || "no violation".to_owned(),
        |(seed, breach)| format!("seed {seed}: {}", breach.name()),
    );
    format!(
        "n = {nodes}: {} walks, {} ticks, {} terms left, {} ticks with commits, longest without \
         progress {} ticks, with a node behind {} ticks, {:.1} s: {verdict}",
        walked.walks,
        walked.ticks,
        walked.terms,
        walked.commits,
        walked.longest_stall,
        walked.longest_apart,
        walked.elapsed.as_secs_f64()
    )
}

fn longest_timers(ticks: u32) -> f64 {
    f64::from(ticks) / f64::from(LONGEST_TIMER)
}

fn json(search: Search, explored: &Explored) -> Value {
    json!({
        "search": search.name,
        "starts": explored.starts,
        "states": explored.states,
        "ticks": explored.ticks,
        "complete": explored.complete,
        "longest_stall": explored.longest_stall,
        "longest_apart": explored.longest_apart,
        "seconds": explored.elapsed.as_secs_f64(),
        "breach": explored.breach.as_ref().map(|(breach, _)| breach.name()),
        "trace": explored.breach.as_ref().map(|(_, lines)| lines),
    })
}
