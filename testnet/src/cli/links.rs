//! `testnet partition`, `heal`, `link`.

use clap::Args;
use serde_json::json;
use terminal::{Output, explained};

use super::Common;
use crate::{
    control::{self, ControlError, Request, Response},
    failure::{Failure, Outcome},
    network::{
        Lock, Network, NodeLayout,
        faults::{LinkFault, LinkFaults, parse_link, parse_partition},
    },
};

pub const PARTITION_NOTES: &str = "\
Nodes that are not named stay together in one more group. Delays and losses of links stay.

Examples:
  cargo testnet partition 'n0,n1|n2,n3'   two halves: in byzantine mode neither has a quorum
  cargo testnet partition n3              n3 alone on one side, the others go on";

pub const LINK_NOTES: &str = "\
A link has a direction. Quote it, because a shell reads > otherwise. A new fault replaces the
one that the link had.

Examples:
  cargo testnet link 'n0>n1' delay=20ms           what n0 sends to n1 arrives later
  cargo testnet link 'n0<>n1' delay=20ms loss=1%  both ways, and one message in a hundred is lost
  cargo testnet link 'n0>*' cut                   n0 hears the others, and they do not hear it
  cargo testnet link 'n0>*' pass                  mends them again";

#[derive(Args)]
pub struct PartitionArguments {
    /// The groups: nodes separated by commas, groups by |
    groups: String,
}

#[derive(Args)]
pub struct LinkArguments {
    /// The link: 'n0>n1', or 'n0<>n1' for both ways; * stands for every node
    link: String,
    /// What it does: cut, pass, delay=20ms, loss=10%
    #[arg(required = true)]
    fault: Vec<String>,
}

pub fn partition(common: &Common, arguments: &PartitionArguments, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let groups = parse_partition(&arguments.groups, &network.names())?;
    let group_of = |name: &str| {
        let holds = |group: &Vec<String>| group.iter().any(|member| member == name);
        groups.iter().position(holds)
    };
    let names = network.names();
    change(&network, |node, faults| {
        for peer in names.iter().filter(|peer| **peer != node) {
            let cut = group_of(peer) != group_of(&node);
            faults.set(
                peer,
                LinkFault {
                    cut,
                    ..faults.to(peer)
                },
            );
        }
    })?;
    let quorum = network.sizes()?.quorum();
    let shown: Vec<String> = groups.iter().map(|group| group.join(",")).collect();
    let able: Vec<&String> = groups
        .iter()
        .zip(&shown)
        .filter(|(group, _)| group.len() >= quorum)
        .map(|(_, shown)| shown)
        .collect();
    let meaning = match able.first() {
        Some(group) => format!("{group} has a quorum of {quorum} and can go on."),
        None => format!("No group has a quorum of {quorum}: no payment can be committed."),
    };
    output.result(
        &json!({"groups": groups}),
        &format!("The network is divided: {}. {meaning}", shown.join(" | ")),
    );
    output.next(&explained(&common.command("testnet", "heal"), "mends it"));
    Ok(())
}

pub fn heal(common: &Common, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let mut mended = 0;
    change(&network, |_, faults| {
        mended += faults.0.len();
        faults.0.clear();
    })?;
    let text = match mended {
        0 => "No link had a fault.".to_owned(),
        1 => "1 link is mended.".to_owned(),
        count => format!("{count} links are mended."),
    };
    output.result(&json!({"mended": mended}), &text);
    Ok(())
}

pub fn link(common: &Common, arguments: &LinkArguments, output: &Output) -> Outcome {
    let network = common.network_in_reach()?;
    let links = parse_link(&arguments.link, &network.names())?;
    let fault = LinkFault::parse(&arguments.fault)?;
    change(&network, |node, faults| {
        for (_, receiver) in links.iter().filter(|(sender, _)| *sender == node) {
            faults.set(receiver, fault);
        }
    })?;
    let lines: Vec<String> = links
        .iter()
        .map(|(sender, receiver)| format!("{sender}>{receiver}: {}", fault.in_words()))
        .collect();
    let ends: Vec<_> = links
        .iter()
        .map(|(from, to)| json!({"from": from, "to": to, "fault": fault}))
        .collect();
    output.result(&json!({"links": ends}), &lines.join("\n"));
    Ok(())
}

/// Changes the faults of every node's links, keeps them, and tells the nodes that run.
fn change(network: &Network, mut edit: impl FnMut(String, &mut LinkFaults)) -> Outcome {
    let _lock = Lock::wait(&network.layout.lock())?;
    for node in network.nodes() {
        let before = LinkFaults::load(&node)?;
        let mut faults = before.clone();
        edit(node.name(), &mut faults);
        if faults != before {
            faults.store(&node)?;
        }
        tell(&node, &Request::Links(faults))?;
    }
    Ok(())
}

/// Tells a node. One that is down reads its folder when it starts.
pub fn tell(node: &NodeLayout, request: &Request) -> Outcome {
    match control::ask(node, request) {
        Ok(Response::Done) | Err(ControlError::Absent) => Ok(()),
        Ok(Response::Refused(reason)) => {
            Err(Failure::state(format!("{} refuses: {reason}", node.name())))
        }
        Ok(_) => Err(Failure::state(format!(
            "{} answers something else",
            node.name()
        ))),
        Err(error) => Err(
            Failure::state(format!("{} cannot be told: {error}", node.name())).next(
                "If it is paused, resume it first; it is in force when the node is started again.",
            ),
        ),
    }
}
