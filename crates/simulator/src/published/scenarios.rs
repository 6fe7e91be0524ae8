//! The attacks, one trace each, and what is published about their outcome.

mod acknowledgement;
mod election;
mod juno;
mod leadership;
mod stage;
mod term_change;

use std::fmt;

use self::stage::Played;
use super::network::TraceError;
use super::outcome::{Outcome, OutcomeKind};
use super::rules::Reading;

/// One attack under one reading.
///
/// A scenario whose [`Self::published_outcome`] is [`OutcomeKind::Safe`] or
/// [`OutcomeKind::Refused`] is a control: the same moves, under a reading whose rules withstand
/// them. It shows that the rule named in the attack is the cause, and that the model can also
/// come out well.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Unique name: the attack's, and the reading's.
    pub id: &'static str,
    /// The attack's name in the catalogue of attacks.
    pub attack: &'static str,
    /// The published version of the protocol that it is played against.
    pub reading: Reading,
    /// What happens, in one line.
    pub summary: &'static str,
    /// What it must come to.
    pub published_outcome: OutcomeKind,
    trace: fn(Reading) -> Played,
}

impl Scenario {
    /// Plays the trace from the start; the same outcome every time.
    ///
    /// # Errors
    ///
    /// [`TraceError`] if the trace cannot be played to its end. None of [`SCENARIOS`] does that.
    pub fn run(&self) -> Result<Outcome, TraceError> {
        (self.trace)(self.reading)
    }

    /// Whether it comes out as published.
    pub fn reproduces(&self) -> bool {
        self.run()
            .is_ok_and(|outcome| outcome.kind() == self.published_outcome)
    }

    /// Whether it shows rules that withstand the attack.
    pub fn is_control(&self) -> bool {
        matches!(
            self.published_outcome,
            OutcomeKind::Safe | OutcomeKind::Refused
        )
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{:<14} {:<24} {}",
            self.id, self.published_outcome, self.summary
        )
    }
}

/// Shorthand for the list below: `"A1" Paper Fork trace: "summary"`.
macro_rules! scenarios {
    ($($attack:literal $suffix:literal $reading:ident $outcome:ident $trace:path: $summary:literal;)*) => {
        &[$(Scenario {
            id: concat!($attack, "-", $suffix),
            attack: $attack,
            reading: Reading::$reading,
            summary: $summary,
            published_outcome: OutcomeKind::$outcome,
            trace: $trace,
        }),*]
    };
}

/// Every attack under every reading that something is known about, in the catalogue's order.
pub static SCENARIOS: &[Scenario] = scenarios! {
    "A1" "paper" Paper Fork term_change::lost_commit:
        "an entry that one node committed is forgotten by the next leader, who need not lie";
    "A1" "code" Code Fork term_change::lost_commit:
        "an entry that one node committed is forgotten by the next leader, who need not lie";
    "A2" "paper" Paper Fork term_change::honest_successor:
        "an honest leader that never saw a committed entry commits another (Cachin and Vukolić)";
    "A2" "code" Code Refused term_change::honest_successor:
        "control: Raft's vote rule keeps that leader from being elected";
    "A3" "code" Code Usurped election::votes_against_elect:
        "signed refusals to vote are accepted as proof of election";
    "A3" "juno" Juno Usurped election::votes_against_elect:
        "signed refusals to vote are accepted as proof of election";
    "A3" "paper" Paper Safe election::votes_against_elect:
        "control: only granted votes of distinct nodes prove an election";
    "A4" "code" Code Fork acknowledgement::one_node_is_a_quorum:
        "acknowledgements are counted as messages, so one node alone makes a quorum";
    "A4" "paper" Paper Safe acknowledgement::one_node_is_a_quorum:
        "control: acknowledgements are counted as distinct nodes";
    "A5" "code" Code CommittedWithoutQuorum acknowledgement::quorum_at_a_far_index:
        "a quorum at an index nobody holds lets one acknowledgement commit the last entry";
    "A5" "paper" Paper Safe acknowledgement::quorum_at_a_far_index:
        "control: a quorum counts for its own index only";
    "A6" "code" Code Halt acknowledgement::poisoned_evidence:
        "one acknowledgement of a wrong hash spoils an index for ever";
    "A6" "paper" Paper Safe acknowledgement::poisoned_evidence:
        "control: acknowledgements that do not match are passed over";
    "A7" "code" Code Fork term_change::replayed_entries:
        "an old message of the honest leader, sent again, removes acknowledged entries";
    "A7" "paper" Paper Safe term_change::replayed_entries:
        "control: entries that already agree are kept";
    "A8" "code" Code Halt election::term_overflow:
        "voters follow a candidate to the largest term, after which all terms are old";
    "A8" "paper" Paper Safe election::term_overflow:
        "control: voters do not follow a candidate past their bound";
    "A9" "paper" Paper Halt leadership::revolution:
        "one client without evidence mutes every leader in turn";
    "A9" "code" Code Halt leadership::revolution:
        "one client mutes a leader; as muted leaders never step down, soon nobody can be elected";
    "A10" "code" Code Halt leadership::runaway_candidate:
        "a follower starved by the leader runs ahead in terms, and nobody ever catches up";
    "A11" "code" Code Equivocated leadership::deposed_leader:
        "a deposed honest leader keeps its role and acknowledges two different logs";
    "A11" "paper" Paper Safe leadership::deposed_leader:
        "control: a deposed leader is a follower";
    "A12" "code" Code Halt acknowledgement::uneven_batches:
        "followers whose batches end at different indices never match, so nothing commits";
    "A12" "juno" Juno Safe acknowledgement::uneven_batches:
        "control: an acknowledgement counts for the entries before it as well";
    "A13" "paper" Paper Fork term_change::stale_acknowledgements:
        "acknowledgements of an old term commit its entry after the next term committed another";
    "A13" "code" Code Fork term_change::stale_acknowledgements:
        "acknowledgements of an old term commit its entry after the next term committed another";
    "C1" "paper" Paper Safe acknowledgement::equivocation_in_one_term:
        "control: a leader that proposes two values in one term commits one at most";
    "J1" "juno" Juno Fork juno::body_identity:
        "the identity in the body is believed, so one key speaks for every node";
    "J1" "code" Code Safe juno::body_identity:
        "control: the identity in the body must be the signer's";
    "J2" "juno" Juno Fork juno::majority_quorum:
        "two majorities of seven share only Byzantine nodes";
    "J2" "code" Code Safe juno::majority_quorum:
        "control: five of seven must agree";
    "J3" "juno" Juno DoubleVote juno::term_regression:
        "a candidate is made to fall back a term and forget its vote, and votes again";
    "J4" "juno" Juno Halt juno::sticky_evidence:
        "a second acknowledgement of the same index is ignored, so honest nodes cannot correct one";
    "J4" "juno-forged" Juno Halt juno::evidence_at_the_largest_index:
        "with J1, an acknowledgement of the largest index silences a node for ever";
};

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_scenario_comes_out_as_published() {
        let played = SCENARIOS.iter().map(|scenario| (scenario, scenario.run()));
        let wrong: Vec<_> = played
            .filter(|(scenario, outcome)| {
                outcome.as_ref().map(Outcome::kind) != Ok(scenario.published_outcome)
            })
            .map(|(scenario, outcome)| (scenario.id, outcome))
            .collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn a_run_repeats_exactly() {
        for scenario in SCENARIOS {
            assert_eq!(scenario.run(), scenario.run(), "{}", scenario.id);
        }
    }

    #[test]
    fn names_are_unique_and_every_reading_is_both_broken_and_sound_somewhere() {
        let names = BTreeSet::from_iter(SCENARIOS.iter().map(|scenario| scenario.id));
        assert_eq!(names.len(), SCENARIOS.len());
        for reading in [Reading::Paper, Reading::Code, Reading::Juno] {
            let of_reading = || {
                SCENARIOS
                    .iter()
                    .filter(|scenario| scenario.reading == reading)
            };
            assert!(of_reading().any(Scenario::is_control), "{reading}");
            assert!(
                of_reading().any(|scenario| !scenario.is_control()),
                "{reading}"
            );
        }
    }
}
