//! Attacks as scripts. Those of the literature run against the model of the published rules, where
//! they must succeed, and against our replicas, where they must not.

mod amnesia;
mod believed_base;
mod bending;
mod candidates;
mod checks;
mod cut_certificate;
mod faultless;
mod few_suspects;
mod forged_votes;
mod forgotten_led;
mod late_messages;
mod leaders;
mod left_behind;
mod lone_suspect;
mod lost_commit;
mod old_certificate;
mod repeated_signer;
mod replayed_suspicion;
mod restarted_locks;
mod script;
mod second_branch;
mod slow_network;
mod smuggling;
mod split;
mod suspicions;
mod unjustified_branch;
mod usurping;

use std::fmt;

use crate::{published, trace::Trace};

/// What came of a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it came out as it must.
    pub holds: bool,
    /// What happened, a line each.
    pub lines: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "{line}")?;
        }
        f.write_str(if self.holds {
            "as it must be"
        } else {
            "NOT as it must be"
        })
    }
}

/// An attack as a script against our replicas.
pub(crate) struct Script {
    /// The name on the command line.
    pub id: &'static str,
    /// The rule that withstands it.
    pub rule: &'static str,
    /// What happens, in one line.
    pub summary: &'static str,
    /// The same attack among the published ones, or nothing.
    pub published: &'static str,
    /// Plays it: what came of it, or what is wrong.
    play: fn(Trace) -> Result<String, String>,
}

/// The scripts of every file.
static SCRIPTS: &[&[Script]] = &[
    lost_commit::SCRIPTS,
    split::SCRIPTS,
    repeated_signer::SCRIPTS,
    cut_certificate::SCRIPTS,
    unjustified_branch::SCRIPTS,
    few_suspects::SCRIPTS,
    believed_base::SCRIPTS,
    second_branch::SCRIPTS,
    amnesia::SCRIPTS,
    forgotten_led::SCRIPTS,
    left_behind::SCRIPTS,
    lone_suspect::SCRIPTS,
    slow_network::SCRIPTS,
    old_certificate::SCRIPTS,
    replayed_suspicion::SCRIPTS,
    restarted_locks::SCRIPTS,
    usurping::SCRIPTS,
    bending::SCRIPTS,
    suspicions::SCRIPTS,
    candidates::SCRIPTS,
    smuggling::SCRIPTS,
    forged_votes::SCRIPTS,
    late_messages::SCRIPTS,
    leaders::SCRIPTS,
];

/// Every script.
pub(crate) fn scripts() -> impl Iterator<Item = &'static Script> {
    SCRIPTS.iter().copied().flatten()
}

/// A line for lists.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Listed {
    /// The name on the command line.
    pub id: &'static str,
    /// The rule behind it, or the reading of the published protocol that it is played against.
    pub rule: String,
    /// What happens, in one line.
    pub summary: &'static str,
}

/// Every scenario.
#[must_use]
pub fn list() -> Vec<Listed> {
    let ours = scripts().map(|one| Listed {
        id: one.id,
        rule: one.rule.to_owned(),
        summary: one.summary,
    });
    let published = published::SCENARIOS.iter().map(|one| Listed {
        id: one.id,
        rule: format!("published, {}: {}", one.reading, one.published_outcome),
        summary: one.summary,
    });
    ours.chain(published).collect()
}

/// Plays a scenario: one of the published model alone, or one of ours beside the published ones of
/// the same attack. `None`: there is no such scenario.
#[must_use]
pub fn play(id: &str, trace: Trace) -> Option<Verdict> {
    if let Some(one) = published::SCENARIOS.iter().find(|one| one.id == id) {
        let (holds, line) = play_published(one);
        return Some(Verdict {
            holds,
            lines: vec![line],
        });
    }
    let ours = scripts().find(|one| one.id == id)?;
    let mut verdict = Verdict {
        holds: true,
        lines: Vec::new(),
    };
    let mut bites = ours.published.is_empty();
    for one in published::SCENARIOS
        .iter()
        .filter(|one| one.attack == ours.published)
    {
        let (holds, line) = play_published(one);
        verdict.holds &= holds;
        verdict.lines.push(line);
        bites |= !one.is_control();
    }
    // The attack must be known to bite somewhere, or resisting it shows nothing.
    verdict.holds &= bites;
    match (ours.play)(trace) {
        Ok(line) => verdict.lines.push(format!("ours: {line}")),
        Err(line) => {
            verdict.holds = false;
            verdict.lines.push(format!("ours: {line}"));
        }
    }
    Some(verdict)
}

fn play_published(one: &published::Scenario) -> (bool, String) {
    match one.run() {
        Ok(outcome) => (
            outcome.kind() == one.published_outcome,
            format!("published, {}: {outcome}", one.reading),
        ),
        Err(error) => (false, format!("published, {}: {error}", one.reading)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_comes_out_as_it_must() {
        for listed in list() {
            let verdict = play(listed.id, Trace::Off).unwrap();
            assert!(verdict.holds, "{}: {verdict}", listed.id);
        }
        assert!(play("A0", Trace::Off).is_none());
    }
}
