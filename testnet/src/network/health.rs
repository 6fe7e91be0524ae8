//! Whether a network is healthy, and if not, why: sentences for somebody who has to decide what to
//! do.

use std::time::{Duration, Instant};

use keys::{Mode, to_hex};
use ledger::observations;
use node::status::{Deposed, DeposedReason, StatusReport};

use super::{Facts, Network, NodeFacts, ProcessState, chain, process};
use crate::failure::Outcome;

/// A node that needs longer to reach what another one had committed is behind.
const BEHIND: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(25);

/// What to make of the facts.
#[derive(Clone, Debug)]
pub struct Health {
    /// All nodes up and led, on one committed chain, less than a second behind.
    pub healthy: bool,
    /// Whether enough nodes answer for anything to be committed.
    pub has_quorum: bool,
    /// What keeps it from being healthy.
    pub problems: Vec<String>,
    /// What is worth knowing besides.
    pub notes: Vec<String>,
}

/// Looks at all nodes, for a second at most if some are behind.
///
/// # Errors
/// If the files of a node cannot be read.
pub fn assess(network: &Network) -> Outcome<(Facts, Health)> {
    let first = Facts::gather(network)?;
    let target = first.commit();
    let deadline = Instant::now() + BEHIND;
    let mut facts = first;
    let is_behind = |node: &&NodeFacts| {
        let report = node.report.as_ref();
        report.is_some_and(|report| report.commit < target)
    };
    while facts.nodes.iter().any(|node| is_behind(&node)) && Instant::now() < deadline {
        std::thread::sleep(LOOK);
        facts = Facts::gather(network)?;
    }
    let mut problems = renamed(network);
    let up = facts.reports().count();
    let quorum = network.sizes()?.quorum();
    if is_stopped(network, &facts) && problems.is_empty() {
        problems.push(format!(
            "the network is stopped; `{}` goes on with it",
            network.layout.command("testnet", "up")
        ));
    } else {
        absences(network, &facts, &mut problems);
    }
    if up < quorum && up > 0 {
        problems.push(format!(
            "{up} of {} nodes answer, and a quorum is {quorum}: no payment can be committed until \
             more are up; what was committed is safe",
            facts.nodes.len()
        ));
    }
    for node in facts.nodes.iter().filter(is_behind) {
        let commit = node.report.as_ref().map_or(0, |report| report.commit);
        problems.push(format!(
            "{} is {} entries behind",
            node.name,
            facts.commit().saturating_sub(commit)
        ));
    }
    leaderlessness(network, &facts, up >= quorum, &mut problems);
    problems.extend(isolation(&facts, quorum).filter(|_| up >= quorum));
    problems.extend(chain::divergences(network, &facts)?);
    let mut notes = Vec::new();
    links(network, &facts, &mut notes);
    suspicions(&facts, &mut notes);
    betrayals(network, &facts, &mut notes);
    let reports: Vec<&StatusReport> = facts.reports().map(|(_, report)| report).collect();
    notes.extend(observations::notes(&reports, network.sizes()?.faulty()));
    excess(network, &facts, &mut problems);
    notes.extend(deposition(network, &facts));
    let health = Health {
        healthy: problems.is_empty(),
        has_quorum: up >= quorum,
        problems,
        notes,
    };
    Ok((facts, health))
}

/// Nodes that run under another name of their folder.
#[must_use]
pub fn renamed(network: &Network) -> Vec<String> {
    let nodes = network.nodes().into_iter();
    nodes
        .filter_map(|node| {
            let id = process::under_another_name(&node)?;
            Some(format!(
                "process {id} runs {} under another name of this folder, which was renamed meanwhile: \
                 give it its old name back, or end that process",
                node.name()
            ))
        })
        .collect()
}

/// Whether nobody is there, because somebody stopped them all.
#[must_use]
pub fn is_stopped(network: &Network, facts: &Facts) -> bool {
    let down = |node: &NodeFacts| node.process == ProcessState::Down;
    !network.state.running && facts.nodes.iter().all(down)
}

/// A leader whose links are cut so that it and those it still reaches are no quorum.
fn isolation(facts: &Facts, quorum: usize) -> Option<String> {
    let (leader, term) = facts.leader()?;
    let others = facts.reports().filter(|(node, _)| node.name != leader.name);
    let reached = others
        .filter(|(node, _)| !leader.links.to(&node.name).cut && !node.links.to(&leader.name).cut)
        .count();
    (reached + 1 < quorum).then(|| {
        format!(
            "{} leads term {term}, but its links to all but {reached} of the others are cut, and a \
             quorum is {quorum}: no payment can be committed",
            leader.name
        )
    })
}

fn absences(network: &Network, facts: &Facts, problems: &mut Vec<String>) {
    for node in &facts.nodes {
        let name = &node.name;
        let layout = &network.layout;
        if process::under_another_name(&node.layout).is_some() {
            continue;
        }
        let command = |verb: &str| layout.spell_out(&format!("`testnet {verb} {name}`"));
        match (node.process, &node.problem) {
            (ProcessState::Down, _) => {
                problems.push(format!("{name} is down; {} starts it", command("start")));
            }
            (ProcessState::Paused(_), _) => {
                problems.push(format!(
                    "{name} is paused; {} lets it go on",
                    command("resume")
                ));
            }
            (ProcessState::Running(_), Some(problem)) => {
                problems.push(format!("{name} runs, but {problem}"));
            }
            (ProcessState::Running(_), None) => {
                if let Some(starting) = &node.starting {
                    problems.push(format!("{name} is starting: {starting}"));
                }
            }
        }
    }
}

fn leaderlessness(network: &Network, facts: &Facts, has_quorum: bool, problems: &mut Vec<String>) {
    if facts.leader().is_some() || !has_quorum {
        return;
    }
    let term = facts.term();
    let validators = network.genesis.validators();
    let expected = match network.genesis.mode() {
        Mode::Byzantine => usize::try_from(term)
            .ok()
            .map(|term| &validators[term % validators.len()].name),
        Mode::Raft | Mode::RaftSigned => None,
    };
    problems.push(match expected {
        Some(name) => format!(
            "nobody leads term {term}: it is {name}'s to lead, and the others wait for it or for \
             enough of them to give it up"
        ),
        None => format!("nobody leads term {term} yet: an election is under way"),
    });
}

/// Faults set on links, and links that are down without one.
fn links(network: &Network, facts: &Facts, notes: &mut Vec<String>) {
    let mut cut = Vec::new();
    for node in &facts.nodes {
        for (peer, fault) in &node.links.0 {
            if fault.cut {
                cut.push(format!("{}>{peer}", node.name));
            } else {
                notes.push(format!(
                    "messages from {} to {peer}: {}",
                    node.name,
                    fault.in_words()
                ));
            }
        }
    }
    if !cut.is_empty() {
        notes.push(format!(
            "cut links: {}; `{}` mends all links",
            cut.join(" "),
            network.layout.command("testnet", "heal")
        ));
    }
    let is_up = |name: &str| {
        let mut nodes = facts.nodes.iter();
        nodes.any(|node| node.name == name && node.report.is_some())
    };
    for (node, report) in facts.reports() {
        for peer in &report.peers {
            if !peer.up && is_up(&peer.name) && !node.links.to(&peer.name).cut {
                let why = peer.problem.as_deref().unwrap_or("unknown reason");
                notes.push(format!("{} cannot reach {}: {why}", node.name, peer.name));
            }
        }
    }
}

fn suspicions(facts: &Facts, notes: &mut Vec<String>) {
    for (node, report) in facts.reports() {
        if let Some(reason) = &report.suspicion {
            notes.push(format!(
                "{} suspects the leader of term {}: {reason}",
                node.name, report.term
            ));
        }
    }
}

/// Traitors, and nodes that are down, beyond what the mode tolerates.
fn excess(network: &Network, facts: &Facts, problems: &mut Vec<String>) {
    let (Mode::Byzantine, Ok(sizes)) = (network.genesis.mode(), network.sizes()) else {
        return;
    };
    let traitors = facts.nodes.iter().filter(|node| node.behaviour.is_some());
    let traitors = traitors.count();
    if traitors > sizes.faulty() {
        problems.push(format!(
            "{traitors} traitors are more than the f = {} that are tolerated: the ledger may stop, or fork",
            sizes.faulty()
        ));
    }
}

fn betrayals(network: &Network, facts: &Facts, notes: &mut Vec<String>) {
    for node in &facts.nodes {
        if let Some(setting) = &node.behaviour {
            let account = setting.account.and_then(|address| {
                let account = network.genesis.account_by_address(&address)?;
                Some(format!(" {}", account.name))
            });
            notes.push(format!(
                "{} is a traitor: {}{}; `{}` ends it",
                node.name,
                setting.behaviour,
                account.unwrap_or_default(),
                network
                    .layout
                    .command("testnet", &format!("byzantine clear {}", node.name))
            ));
        }
    }
    let evidence = facts.reports().map(|(_, report)| report.evidence).max();
    if let Some(pieces) = evidence.filter(|&pieces| pieces > 0) {
        notes.push(format!(
            "{} held; `{}` names who is convicted",
            match pieces {
                1 => "1 piece of evidence is".to_owned(),
                pieces => format!("{pieces} pieces of evidence are"),
            },
            network.layout.command("ledger", "evidence list")
        ));
    }
}

/// The leader that was deposed last, by whom and why.
#[must_use]
pub fn last_deposed(facts: &Facts) -> Option<&Deposed> {
    let deposed = facts
        .reports()
        .filter_map(|(_, report)| report.deposed.as_ref());
    deposed.max_by_key(|deposed| deposed.term)
}

fn deposition(network: &Network, facts: &Facts) -> Option<String> {
    let deposed = last_deposed(facts)?;
    let name = |position: u16| {
        let validator = network.genesis.validators().get(usize::from(position));
        validator.map_or_else(
            || format!("#{position}"),
            |validator| validator.name.clone(),
        )
    };
    let account_of = |reason: &DeposedReason| {
        let account = reason.account?;
        let named = account_name(network, &account.0);
        Some(named.unwrap_or_else(|| to_hex(&account.0)[..8].to_owned()))
    };
    let reasons: Vec<String> = deposed
        .reasons
        .iter()
        .map(|reason| {
            let account = account_of(reason).map(|account| format!(" {account}"));
            format!(
                "{}: {}{}{}",
                name(reason.node),
                reason.reason,
                account.unwrap_or_default(),
                if reason.followed { ", followed" } else { "" }
            )
        })
        .collect();
    let mut meanings: Vec<String> = deposed
        .reasons
        .iter()
        .filter_map(|reason| meaning(&reason.reason, account_of(reason)))
        .collect();
    meanings.sort_unstable();
    meanings.dedup();
    Some(format!(
        "{} was deposed as leader of term {} ({}): {}",
        name(deposed.leader),
        deposed.term,
        reasons.join(", "),
        meanings.join("; ")
    ))
}

/// What a reason for suspicion says (P4.2).
fn meaning(reason: &str, account: Option<String>) -> Option<String> {
    let meaning = match reason {
        "silent" => "it gave no sign of life, or let something wait for too long",
        "starved" => {
            let account = account.unwrap_or_else(|| "an account".to_owned());
            return Some(format!(
                "it did not include a request of {account}, whose client had complained"
            ));
        }
        "misbehaved" => "there is evidence against it",
        "crawling" => "it was much slower than the network has shown that it can be",
        "restarted" => "it restarted, and may not go on in a term that it began before",
        _ => return None,
    };
    Some(meaning.to_owned())
}

/// The account that a request's identity belongs to, if it is one of genesis.
fn account_name(network: &Network, identity: &[u8; 32]) -> Option<String> {
    let mut accounts = network.genesis.accounts().iter();
    let account = accounts.find(|account| {
        let key = consensus::PublicKey(*account.key.as_bytes());
        ledger::request_account(&account.address(), &key) == *identity
    })?;
    Some(account.name.clone())
}
