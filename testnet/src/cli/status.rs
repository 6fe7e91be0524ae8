//! `testnet status`.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use clap::{Args, ValueEnum};
use keys::{ClientChecks, Mode};
use node::starting::Starting;
use serde::Serialize;
use terminal::{Align, Output, counted, exit::Code, parse_span, show_span, table};

use super::Common;
use crate::{
    failure::{Failure, Outcome},
    network::{Facts, Health, Network, NodeFacts, ProcessState, assess, is_stopped, last_deposed},
    traitor::Setting,
};

pub const NOTES: &str = "\
Healthy means: all nodes are up, on one committed chain, and less than a second behind. The
exit code is 3 if fewer nodes answer than a quorum, 7 if the network is stopped or there is none,
else 0, healthy or not; with --wait it is 0 only if it became healthy in time, and 7 also if it did
not though a quorum answers. In JSON,
the numbers of a node whose role is down are 0.";

#[derive(Args)]
pub struct Arguments {
    /// Wait until the network is in this state
    #[arg(long, value_name = "STATE")]
    wait: Option<Awaited>,
    /// How long to wait: 30s, 500ms, 2m
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = parse_span)]
    timeout: Duration,
    /// Also show timers, links and processes
    #[arg(long, short)]
    verbose: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Awaited {
    /// All nodes up, on one chain, less than a second behind
    Healthy,
}

pub fn run(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    let network = common.network()?;
    let (facts, health) = match arguments.wait {
        None => assess(&network)?,
        Some(Awaited::Healthy) => wait_until_healthy(&network, arguments.timeout)?,
    };
    output.result(
        &as_json(&network, &facts, &health)?,
        &as_text(&network, &facts, &health, arguments.verbose, output)?,
    );
    if health.healthy || (arguments.wait.is_none() && health.has_quorum) {
        return Ok(());
    }
    if arguments.wait.is_none() {
        return Err(Failure::after_result(match is_stopped(&network, &facts) {
            true => Code::TestnetState,
            false => Code::NoQuorum,
        }));
    }
    if is_stopped(&network, &facts) {
        return Err(Failure::state("the network is stopped").next(format!(
            "To go on with it: {}",
            common.command("testnet", "up")
        )));
    }
    let code = match health.has_quorum {
        true => Code::TestnetState,
        false => Code::NoQuorum,
    };
    Err(Failure::new(
        code,
        format!(
            "the network did not become healthy within {}",
            show_span(arguments.timeout)
        ),
    )
    .next(health.problems.join("\n  ")))
}

/// Looks again and again until the network is healthy or the time is over.
pub fn wait_until_healthy(network: &Network, timeout: Duration) -> Outcome<(Facts, Health)> {
    let deadline = Instant::now() + timeout;
    loop {
        let (facts, health) = assess(network)?;
        if health.healthy || is_stopped(network, &facts) || Instant::now() >= deadline {
            return Ok((facts, health));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn role(node: &NodeFacts) -> &str {
    match (&node.report, node.process) {
        (Some(report), _) => &report.role,
        (None, ProcessState::Paused(_)) => "paused",
        (None, ProcessState::Running(_)) if node.starting.is_some() => "starting",
        (None, ProcessState::Running(_)) => "silent",
        (None, ProcessState::Down) => "down",
    }
}

/// The status as programs read it, in the order of the contract.
#[derive(Serialize)]
pub struct StatusJson<'a> {
    mode: Mode,
    n: usize,
    f: usize,
    quorum: usize,
    healthy: bool,
    reasons: Vec<&'a str>,
    nodes: Vec<NodeJson<'a>>,
    client_checks: ClientChecks,
    deposed: Option<DeposedJson<'a>>,
    data: &'a Path,
    /// How long `up` took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_seconds: Option<f64>,
}

#[derive(Serialize)]
struct NodeJson<'a> {
    name: &'a str,
    role: &'a str,
    term: u64,
    commit: u64,
    lag: u64,
    head: u64,
    evidence: u64,
    applied: u64,
    commit_hash: Option<String>,
    suspicion: Option<&'a str>,
    behaviour: Option<&'a Setting>,
    /// While it starts: how far it is.
    starting: Option<Starting>,
    process: &'static str,
    pid: Option<u32>,
    address: SocketAddr,
}

#[derive(Serialize)]
struct DeposedJson<'a> {
    leader: Option<&'a str>,
    term: u64,
    reasons: Vec<ReasonJson<'a>>,
}

#[derive(Serialize)]
struct ReasonJson<'a> {
    node: Option<&'a str>,
    reason: &'a str,
    /// Whether the node did not suspect the leader itself, but went along with others who did.
    followed: bool,
}

pub fn as_json<'a>(
    network: &'a Network,
    facts: &'a Facts,
    health: &'a Health,
) -> Outcome<StatusJson<'a>> {
    let sizes = network.sizes()?;
    let validators = network.genesis.validators();
    let reasons = health.problems.iter().chain(&health.notes);
    let nodes = facts.nodes.iter().zip(validators);
    let name = |position: u16| {
        let validator = validators.get(usize::from(position));
        validator.map(|validator| validator.name.as_str())
    };
    Ok(StatusJson {
        mode: network.genesis.mode(),
        n: sizes.validators(),
        f: sizes.faulty(),
        quorum: sizes.quorum(),
        healthy: health.healthy,
        reasons: reasons.map(String::as_str).collect(),
        nodes: nodes
            .map(|(node, validator)| node_json(facts, node, validator.address))
            .collect(),
        client_checks: network.genesis.client_checks(),
        deposed: last_deposed(facts).map(|deposed| DeposedJson {
            leader: name(deposed.leader),
            term: deposed.term,
            reasons: deposed
                .reasons
                .iter()
                .map(|reason| ReasonJson {
                    node: name(reason.node),
                    reason: &reason.reason,
                    followed: reason.followed,
                })
                .collect(),
        }),
        data: network.layout.root(),
        ready_seconds: None,
    })
}

fn node_json<'a>(facts: &Facts, node: &'a NodeFacts, address: SocketAddr) -> NodeJson<'a> {
    let report = node.report.as_ref();
    let number = |of: fn(&node::StatusReport) -> u64| report.map_or(0, of);
    NodeJson {
        name: &node.name,
        role: match (report, node.starting) {
            (Some(report), _) => &report.role,
            (None, Some(_)) => "starting",
            (None, None) => "down",
        },
        term: number(|report| report.term),
        commit: number(|report| report.commit),
        lag: lag(facts, node).unwrap_or(0),
        head: number(|report| report.head),
        evidence: number(|report| report.evidence),
        applied: number(|report| report.applied),
        commit_hash: report.map(|report| keys::to_hex(&report.commit_hash)),
        suspicion: report.and_then(|report| report.suspicion.as_deref()),
        behaviour: node.behaviour.as_ref(),
        starting: node.starting,
        process: match node.process {
            ProcessState::Down => "down",
            ProcessState::Running(_) => "running",
            ProcessState::Paused(_) => "paused",
        },
        pid: node.process.id(),
        address,
    }
}

/// How many entries the node is behind what it, or any other, knows to be committed.
fn lag(facts: &Facts, node: &NodeFacts) -> Option<u64> {
    let report = node.report.as_ref()?;
    Some(report.lag.max(facts.commit().saturating_sub(report.commit)))
}

pub fn as_text(
    network: &Network,
    facts: &Facts,
    health: &Health,
    verbose: bool,
    output: &Output,
) -> Outcome<String> {
    let sizes = network.sizes()?;
    let verdict = if health.healthy {
        output.good("healthy")
    } else {
        output.bad("not healthy")
    };
    let mut text = format!(
        "{}, {}, f = {}, quorum {}: {verdict}\n\n{}",
        output.bold(network.genesis.mode().as_str()),
        counted(sizes.validators(), "node"),
        sizes.faulty(),
        sizes.quorum(),
        nodes_table(facts)
    );
    for (heading, sentences) in [("Wrong:", &health.problems), ("To know:", &health.notes)] {
        if !sentences.is_empty() {
            text.push_str(&format!("\n\n{}", output.bold(heading)));
            for sentence in sentences {
                text.push_str(&format!("\n  {sentence}"));
            }
        }
    }
    if verbose {
        text.push_str(&details(network, facts));
    }
    Ok(text)
}

fn nodes_table(facts: &Facts) -> String {
    let rows: Vec<Vec<String>> = facts
        .nodes
        .iter()
        .map(|node| {
            let number = |of: fn(&node::StatusReport) -> u64| {
                let report = node.report.as_ref();
                report.map_or_else(|| "–".to_owned(), |report| of(report).to_string())
            };
            let lag = lag(facts, node);
            let lag = lag.map_or_else(|| "–".to_owned(), |lag| lag.to_string());
            vec![
                node.name.clone(),
                role(node).to_owned(),
                number(|report| report.term),
                number(|report| report.commit),
                lag,
                number(|report| report.head),
                number(|report| report.evidence),
                node.behaviour
                    .as_ref()
                    .map_or_else(String::new, |setting| setting.behaviour.clone()),
            ]
        })
        .collect();
    table(
        &[
            ("node", Align::Left),
            ("role", Align::Left),
            ("term", Align::Right),
            ("commit", Align::Right),
            ("lag", Align::Right),
            ("head", Align::Right),
            ("evidence", Align::Right),
            ("traitor", Align::Left),
        ],
        &rows,
    )
}

fn details(network: &Network, facts: &Facts) -> String {
    let mut text = String::from("\n\nProcesses and timers:");
    for (node, validator) in facts.nodes.iter().zip(network.genesis.validators()) {
        let id = node.process.id();
        let process = id.map_or_else(|| "no process".to_owned(), |id| format!("process {id}"));
        text.push_str(&format!(
            "\n  {}  {}  {process}",
            node.name, validator.address
        ));
        let Some(report) = &node.report else { continue };
        let timers = &report.timers;
        let counters = &report.counters;
        text.push_str(&format!(
            "\n      timers (ms): heartbeat {}, silence {}–{}, starvation {}, term {} doubled {} \
             times, at most {}\n      {} requests wait; {} transactions, {} syncs, {} signatures of \
             nodes and {} of clients checked; {} messages refused",
            timers.heartbeat,
            timers.silence_shortest,
            timers.silence_longest,
            timers.starvation,
            timers.term,
            report.timer_level,
            timers.longest,
            report.pending,
            counters.transactions,
            counters.syncs,
            counters.node_signatures,
            counters.client_signatures,
            counters.refused,
        ));
        let links: Vec<String> = report
            .peers
            .iter()
            .map(|peer| {
                let state = match (&peer.fault, &peer.problem) {
                    (Some(fault), _) => fault.clone(),
                    (None, Some(problem)) => problem.clone(),
                    (None, None) => "up".to_owned(),
                };
                let refused = match peer.refused {
                    0 => String::new(),
                    count => format!(" ({count} of its messages refused)"),
                };
                format!("{} {state}{refused}", peer.name)
            })
            .collect();
        text.push_str(&format!("\n      links: {}", links.join("; ")));
    }
    text
}
