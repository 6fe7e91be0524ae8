//! Exhaustive checks.

use std::{
    collections::BTreeSet,
    io::{IsTerminal, stderr},
    time::Duration,
};

use clap::Args;
use model::safety::{
    Term, Variation,
    check::{Check, Checked},
    moves::Bounds,
};
use serde_json::{Value, json};
use terminal::exit::Code;

use super::{code, cores, print_steps, rate, sizes};

/// Visits every state within bounds, for every choice of traitors that makes a difference.
#[derive(Clone, Debug, Args)]
pub struct Arguments {
    /// How many nodes.
    #[arg(long, default_value_t = 4)]
    nodes: usize,
    /// How many terms, from 0 on.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=16))]
    terms: u16,
    /// Entries of one term beyond its base.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=8))]
    entries: u32,
    /// Entries that a traitor signs after one point in one term.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=4))]
    branches: u8,
    /// Leaders also make stop signs, authorized and false ones.
    #[arg(long)]
    stop_signs: bool,
    /// Nodes also enter terms before they adopt them, and report more than once.
    #[arg(long)]
    detours: bool,
    /// Which nodes are Byzantine, exactly f [default: every choice, one after another].
    #[arg(long, value_delimiter = ',', value_name = "NODE,…")]
    traitors: Option<Vec<usize>>,
    /// Breaks a rule: a name of `cargo model mutations --list`.
    #[arg(long, default_value = "as-written", value_name = "NAME")]
    variation: Variation,
    /// Stops each check after so long, such as 90s; it is then not exhaustive, and says so.
    #[arg(long, value_name = "SPAN", value_parser = terminal::parse_span)]
    limit: Option<Duration>,
    /// How many threads [default: one for each core].
    #[arg(long)]
    threads: Option<usize>,
    /// Prints the steps to a violation.
    #[arg(long)]
    trace: bool,
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Checks and prints.
    ///
    /// # Errors
    /// Sizes or traitors that make no network.
    pub fn run(&self) -> Result<Code, String> {
        let faulty = sizes(self.nodes)?.faulty;
        let sets = match &self.traitors {
            None => traitors(self.nodes, faulty, self.terms),
            Some(named) => {
                let distinct: BTreeSet<_> = named.iter().copied().collect();
                if distinct.len() != faulty || distinct.iter().any(|&node| node >= self.nodes) {
                    return Err(format!(
                        "--traitors: name {faulty} of the nodes 0 to {}",
                        self.nodes - 1
                    ));
                }
                vec![distinct.into_iter().collect()]
            }
        };
        let mut results = Vec::new();
        for byzantine in sets {
            let check = self.check(byzantine);
            let Some(checked) = check.run() else {
                return Err(format!("{} nodes make no network", self.nodes));
            };
            if !self.json {
                println!("{}", line(&check, &checked));
                if let (true, Some(found)) = (self.trace, &checked.counterexample) {
                    print_steps(found);
                }
            } else if stderr().is_terminal() {
                eprintln!("{}", line(&check, &checked));
            }
            results.push((check, checked));
        }
        let holds = results
            .iter()
            .all(|(_, checked)| checked.counterexample.is_none());
        self.totals(&results, holds);
        Ok(code(holds))
    }

    fn check(&self, byzantine: Vec<usize>) -> Check {
        Check {
            nodes: self.nodes,
            byzantine,
            bounds: Bounds {
                terms: self.terms,
                entries: self.entries,
                branches: self.branches,
                stop_signs: self.stop_signs,
                detours: self.detours,
            },
            variation: self.variation,
            threads: self.threads.unwrap_or_else(cores).max(1),
            limit: self.limit,
            most_steps: None,
        }
    }

    fn totals(&self, results: &[(Check, Checked)], holds: bool) {
        let states: u64 = results.iter().map(|(_, one)| one.states as u64).sum();
        let elapsed: Duration = results.iter().map(|(_, one)| one.elapsed).sum();
        if self.json {
            let checks: Vec<_> = results
                .iter()
                .map(|(check, checked)| json(check, checked))
                .collect();
            println!(
                "{}",
                json!({
                    "checks": checks,
                    "states": states,
                    "seconds": elapsed.as_secs_f64(),
                    "states_per_second": rate(states, elapsed),
                    "holds": holds,
                })
            );
            return;
        }
        println!(
            "{states} states in {:.1} s, {:.0} a second: {}",
            elapsed.as_secs_f64(),
            rate(states, elapsed),
            if holds { "no violation" } else { "VIOLATED" }
        );
        if holds && self.variation == Variation::AsWritten {
            println!("next: cargo model explore --nodes 7");
        } else if !holds && !self.trace {
            println!("next: the same with --trace");
        }
    }
}

/// One check in one line.
pub fn line(check: &Check, checked: &Checked) -> String {
    let bounds = check.bounds;
    let verdict = match (&checked.counterexample, checked.complete) {
        (Some(found), _) => format!("{} after {} steps", found.name, found.steps()),
        (None, true) => "complete, no violation".to_owned(),
        (None, false) => "NOT complete, no violation so far".to_owned(),
    };
    format!(
        "n = {}, traitors {:?}, {} terms, {} entries, {} branches{}{}: {} states, depth {}, \
         {:.1} s, {:.0} a second: {verdict}",
        check.nodes,
        check.byzantine,
        bounds.terms,
        bounds.entries,
        bounds.branches,
        if bounds.stop_signs {
            ", stop signs"
        } else {
            ""
        },
        if bounds.detours { ", detours" } else { "" },
        checked.states,
        checked.depth,
        checked.elapsed.as_secs_f64(),
        rate(checked.states as u64, checked.elapsed),
    )
}

/// One check as JSON.
pub fn json(check: &Check, checked: &Checked) -> Value {
    json!({
        "nodes": check.nodes,
        "traitors": check.byzantine,
        "variation": check.variation.name(),
        "terms": check.bounds.terms,
        "entries": check.bounds.entries,
        "branches": check.bounds.branches,
        "stop_signs": check.bounds.stop_signs,
        "detours": check.bounds.detours,
        "states": checked.states,
        "steps": checked.steps,
        "depth": checked.depth,
        "seconds": checked.elapsed.as_secs_f64(),
        "states_per_second": rate(checked.states as u64, checked.elapsed),
        "complete": checked.complete,
        "violation": checked.counterexample.as_ref().map(|found| found.name),
        "trace": checked.counterexample.as_ref().map(|found| &found.lines),
    })
}

/// Sets of f nodes, one for each way in which traitors can lead the terms within bounds: which of
/// the others are traitors makes no difference.
pub fn traitors(nodes: usize, faulty: usize, terms: Term) -> Vec<Vec<usize>> {
    let leaders = usize::from(terms).min(nodes);
    let mut sets = Vec::new();
    for pattern in 0_u64..1 << leaders {
        let mut set: Vec<usize> = (0..leaders)
            .filter(|&node| pattern >> node & 1 == 1)
            .collect();
        if set.len() > faulty || set.len() + (nodes - leaders) < faulty {
            continue;
        }
        set.extend((leaders..nodes).take(faulty - set.len()));
        sets.push(set);
    }
    sets.sort();
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_of_bad_leaders_comes_up_once() {
        assert_eq!(traitors(4, 1, 2), [vec![0], vec![1], vec![2]]);
        assert_eq!(traitors(4, 1, 4), [vec![0], vec![1], vec![2], vec![3]]);
        assert_eq!(traitors(7, 2, 2).len(), 4);
    }
}
