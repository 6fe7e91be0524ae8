//! What `up` does in the foreground: a live line about the network until Ctrl-C.

use std::{
    io::{self, IsTerminal, Write},
    process::Child,
    time::Duration,
};

use crate::{
    failure::Outcome,
    interrupt::Interrupts,
    network::{Facts, Network, ProcessState, State},
};

const LOOK: Duration = Duration::from_millis(100);
/// Looks between two updates of the line.
const LOOKS_PER_UPDATE: u32 = 5;

/// Why the watch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The user pressed Ctrl-C.
    Interrupted,
    /// Another command stopped the network.
    TakenDown,
}

/// Watches until the user or another command ends it. Nodes that end by themselves, or by `kill`,
/// stay down: only the user starts them again.
///
/// # Errors
/// If the network's files cannot be read.
pub fn watch(
    network: &Network,
    children: &mut Vec<Child>,
    interrupts: &Interrupts,
) -> Outcome<End> {
    let mut line = Line::new();
    let mut look = 0;
    loop {
        if interrupts.any() {
            line.end();
            return Ok(End::Interrupted);
        }
        // Whoever ended is taken off the system's list of processes.
        children.retain_mut(|child| !matches!(child.try_wait(), Ok(Some(_))));
        if look % LOOKS_PER_UPDATE == 0 {
            // Another network in its place is not this one.
            let id = network.genesis.id();
            let gone = Network::find(&network.layout)?.is_none_or(|found| found.genesis.id() != id);
            if gone || (!network.is_alive() && !State::load(&network.layout)?.running) {
                line.end();
                return Ok(End::TakenDown);
            }
            line.show(&summary(&Facts::gather(network)?));
        }
        look += 1;
        std::thread::sleep(LOOK);
    }
}

fn summary(facts: &Facts) -> String {
    let leader = facts.leader().map_or_else(
        || "nobody leads".to_owned(),
        |(leader, term)| format!("{} leads term {term}", leader.name),
    );
    let committed = match facts.commit() {
        1 => "1 entry committed".to_owned(),
        count => format!("{count} entries committed"),
    };
    let mut parts = vec![leader, committed];
    for node in &facts.nodes {
        let state = match (node.process, &node.report) {
            (ProcessState::Down, _) => "down",
            (ProcessState::Paused(_), _) => "paused",
            (ProcessState::Running(_), None) => "silent",
            (ProcessState::Running(_), Some(_)) => match &node.behaviour {
                Some(setting) => setting.behaviour.as_str(),
                None => continue,
            },
        };
        parts.push(format!("{} {state}", node.name));
    }
    parts.join(" · ")
}

/// One line on standard error that is written over and over; elsewhere than in a terminal, a line
/// for each change but for the count of entries.
struct Line {
    terminal: bool,
    last: String,
}

impl Line {
    fn new() -> Self {
        Self {
            terminal: io::stderr().is_terminal(),
            last: String::new(),
        }
    }

    fn show(&mut self, text: &str) {
        let mut stream = io::stderr().lock();
        let written = if self.terminal {
            write!(stream, "\r\x1b[K{text}")
        } else {
            let parts = text
                .split(" · ")
                .filter(|part| !part.ends_with("committed"));
            let steady: Vec<&str> = parts.collect();
            let steady = steady.join(" · ");
            if steady == self.last {
                return;
            }
            self.last = steady;
            writeln!(stream, "{}", self.last)
        };
        // Nobody looks any more; the nodes go on all the same.
        let _ = written.and_then(|()| stream.flush());
    }

    fn end(&self) {
        if self.terminal {
            let _ = writeln!(io::stderr());
        }
    }
}
