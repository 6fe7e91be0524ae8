//! `testnet kill`, `start`, `restart`, `pause`, `resume`.

use clap::Args;
use serde_json::json;
use terminal::{Output, exit::Code};

use super::Common;
use crate::{
    failure::{Failure, Outcome},
    network::{
        Lock, Network, NodeLayout, ProcessState, await_answers, await_work, launch, process,
    },
};

#[derive(Args)]
pub struct Arguments {
    /// The nodes, such as n0
    #[arg(required = true, value_name = "NODE")]
    nodes: Vec<String>,
}

impl Arguments {
    fn nodes(&self, network: &Network) -> Outcome<Vec<NodeLayout>> {
        self.nodes.iter().map(|name| network.node(name)).collect()
    }
}

/// Runs an action on each node, says what came of it, and what that means for the network.
fn each(
    common: &Common,
    arguments: &Arguments,
    output: &Output,
    mut action: impl FnMut(&NodeLayout) -> Outcome<String>,
) -> Outcome {
    let network = common.network_in_reach()?;
    let nodes = arguments.nodes(&network)?;
    let _lock = Lock::wait(&network.layout.lock())?;
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for node in &nodes {
        // What one node does not do is no reason to leave out the next.
        match action(node) {
            Ok(done) => lines.push(format!("{} {done}.", node.name())),
            Err(failure) => failures.push((node.name(), failure)),
        }
    }
    lines.extend(consequence(&network)?);
    let states: Vec<_> = nodes.iter().map(|node| state_of(node, &failures)).collect();
    output.result(&json!({"nodes": states}), &lines.join("\n"));
    for (_, failure) in &failures {
        failure.tell_aside(*output);
    }
    match failures.first() {
        None => Ok(()),
        Some((_, first)) => Err(Failure::after_result(first.code)),
    }
}

fn state_of(node: &NodeLayout, failures: &[(String, Failure)]) -> serde_json::Value {
    let (state, process) = match process::probe(node) {
        ProcessState::Down => ("down", None),
        ProcessState::Running(id) => ("running", Some(id)),
        ProcessState::Paused(id) => ("paused", Some(id)),
    };
    let failed = failures.iter().find(|(name, _)| *name == node.name());
    json!({
        "name": node.name(),
        "state": state,
        "process": process,
        "error": failed.map(|(_, failure)| failure.message.as_str()),
    })
}

/// Says so if too few nodes are left.
fn consequence(network: &Network) -> Outcome<Option<String>> {
    let nodes = network.nodes();
    let running = nodes
        .iter()
        .filter(|node| matches!(process::probe(node), ProcessState::Running(_)))
        .count();
    let quorum = network.sizes()?.quorum();
    Ok((running < quorum).then(|| {
        format!(
            "{running} of {} nodes run now, and a quorum is {quorum}: until more do, \
             payments end without an outcome (exit code {}). What was committed is safe.",
            nodes.len(),
            Code::NoQuorum.number()
        )
    }))
}

pub fn kill(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    each(common, arguments, output, |node| {
        Ok(match process::kill(node)? {
            true => "is killed",
            false => "was down already",
        }
        .to_owned())
    })
}

pub fn pause(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    each(common, arguments, output, |node| {
        if process::pause(node)? {
            Ok("is paused".to_owned())
        } else {
            Err(is_down(common, node))
        }
    })
}

pub fn resume(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    each(common, arguments, output, |node| {
        if process::resume(node)? {
            Ok("goes on".to_owned())
        } else {
            Err(is_down(common, node))
        }
    })
}

fn is_down(common: &Common, node: &NodeLayout) -> Failure {
    let name = node.name();
    Failure::state(format!("{name} is down")).next(format!(
        "To start it: {}",
        common.command("testnet", &format!("start {name}"))
    ))
}

pub fn start(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    mark_running(common)?;
    each(common, arguments, output, |node| {
        match process::probe(node) {
            ProcessState::Running(_) => Ok("runs already".to_owned()),
            ProcessState::Paused(_) => {
                process::resume(node)?;
                Ok("was paused and goes on".to_owned())
            }
            ProcessState::Down => {
                bring_up(node, output)?;
                Ok("is up".to_owned())
            }
        }
    })
}

pub fn restart(common: &Common, arguments: &Arguments, output: &Output) -> Outcome {
    mark_running(common)?;
    each(common, arguments, output, |node| {
        process::stop(std::slice::from_ref(node))?;
        bring_up(node, output)?;
        Ok("is up again".to_owned())
    })
}

fn mark_running(common: &Common) -> Outcome {
    let mut network = common.network_in_reach()?;
    network.state.running = true;
    network.state.store(&network.layout)
}

fn bring_up(node: &NodeLayout, output: &Output) -> Outcome {
    let nodes = std::slice::from_ref(node);
    let mut children = launch(nodes)?;
    let failures = await_answers(nodes, &mut children, |text| output.aside(text));
    failures.into_iter().next().map_or(Ok(()), Err)?;
    await_work(node, &mut children)
}
