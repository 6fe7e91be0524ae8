//! What people and programs read.

use std::time::Duration;

use serde_json::json;
use simulator::{
    adversary::{BEHAVIOURS, OPEN},
    attacks, oracle,
    run::Totals,
    scenario::{self, Verdict},
};

use crate::arguments::Arguments;

fn seconds(totals: &Totals) -> f64 {
    Duration::from_micros(totals.simulated_micros).as_secs_f64()
}

/// The totals in one line.
pub fn line(totals: &Totals, elapsed: Duration) -> String {
    let real = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    format!(
        "{} seeds, {} events, {:.0} s simulated ({:.0} times real time), {} commits, {} answers, \
         {} leader changes, slowest request after the faults {:.1} s, {} violations",
        totals.seeds,
        totals.events,
        seconds(totals),
        seconds(totals) / real,
        totals.commits,
        totals.answered,
        totals.leader_changes,
        Duration::from_micros(totals.longest_wait_micros).as_secs_f64(),
        totals.violations.len()
    )
}

/// The broken rules, each with the command that replays it, on standard error.
pub fn failures(arguments: &Arguments, totals: &Totals) {
    for outcome in &totals.violations {
        let with = match outcome.adversaries.len() {
            0 => String::new(),
            _ => format!(", with {}", outcome.adversaries.join(" and ")),
        };
        eprintln!(
            "seed {}{with}: {}\n  replay: {}",
            outcome.seed,
            outcome.violation.as_deref().unwrap_or_default(),
            arguments.replay(outcome.seed)
        );
    }
}

/// The totals as JSON.
pub fn totals(arguments: &Arguments, totals: &Totals, elapsed: Duration) {
    let violations: Vec<_> = totals
        .violations
        .iter()
        .map(|outcome| {
            json!({
                "seed": outcome.seed,
                "adversaries": outcome.adversaries,
                "violation": outcome.violation,
                "replay": arguments.replay(outcome.seed),
            })
        })
        .collect();
    println!(
        "{}",
        json!({
            "mode": arguments.mode.as_str(),
            "nodes": arguments.nodes,
            "seeds": totals.seeds,
            "events": totals.events,
            "simulated_seconds": seconds(totals),
            "real_time_factor": seconds(totals) / elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            "commits": totals.commits,
            "answered": totals.answered,
            "leader_changes": totals.leader_changes,
            "longest_wait_seconds": Duration::from_micros(totals.longest_wait_micros).as_secs_f64(),
            "violations": violations,
        })
    );
}

/// What came of a scenario as JSON.
pub fn verdict(id: &str, verdict: &Verdict) {
    println!(
        "{}",
        json!({ "scenario": id, "holds": verdict.holds, "lines": verdict.lines })
    );
}

/// Adversaries, invariants and scenarios.
pub fn list(as_json: bool) {
    let invariants = oracle::names(consensus::Mode::Byzantine)
        .into_iter()
        .chain(oracle::names(consensus::Mode::Raft))
        .collect::<std::collections::BTreeMap<_, _>>();
    if as_json {
        let adversaries: Vec<_> = BEHAVIOURS
            .iter()
            .map(|one| json!({ "id": one.id, "rule": one.rule, "summary": one.summary }))
            .collect();
        let attacks: Vec<_> = attacks::all()
            .map(|one| {
                json!({
                    "id": one.id,
                    "rule": one.rule,
                    "summary": one.summary,
                    "source": one.source,
                    "published": one.published_line(),
                    "ours": one.means.iter().map(ToString::to_string).collect::<Vec<_>>(),
                })
            })
            .collect();
        let invariants: Vec<_> = invariants
            .iter()
            .map(|(name, rule)| json!({ "name": name, "rule": rule }))
            .collect();
        println!(
            "{}",
            json!({
                "adversaries": adversaries,
                "attacks": attacks,
                "invariants": invariants,
                "scenarios": scenario::list(),
            })
        );
        return;
    }
    println!("adversaries (--adversary NAME):");
    for one in BEHAVIOURS {
        println!("  {:<17} {:<12} {}", one.id, one.rule, one.summary);
    }
    println!("adversaries that stop a network as it is, and run by name only:");
    for one in OPEN {
        println!("  {:<17} {:<12} {}", one.id, one.rule, one.summary);
    }
    println!("attacks (cargo sim attacks NAME):");
    for one in attacks::all() {
        println!("  {:<33} {} [{}]", one.id, one.summary, one.rule);
    }
    println!("invariants, checked after every event:");
    for (name, rule) in invariants {
        println!("  {name} ({rule})");
    }
    println!("scenarios (--scenario ID):");
    for one in scenario::list() {
        println!("  {:<24} {} [{}]", one.id, one.summary, one.rule);
    }
}
