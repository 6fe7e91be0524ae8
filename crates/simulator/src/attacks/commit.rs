//! Attacks on what is committed.

use super::{
    Attack,
    Means::{Behave, Break, Script, Test},
    attacks,
};
use crate::fault::Kind;

pub(super) static LIST: &[Attack] = attacks! {
    "commit-lost-to-the-same-leader" "A1, Cachin and Vukolić § 3.5" "P4.7, P4.8"
        "one node commits, and the Byzantine leader returns and does not extend it"
        / "A1" "" => [Script("A1"), Behave(4, "equivocator+report-liar")];
    "commit-lost-to-an-honest-leader" "A2, Cachin and Vukolić § 3.5" "P4.7, P4.8"
        "one node commits, and an honest leader follows that never saw the entry"
        / "A2" "" => [Script("A2")];
    "late-votes" "A13" "P2.6, P4.8"
        "votes that were held back arrive after the next leader committed"
        / "A13" "" => [Script("late-votes"), Behave(4, "replayer")];
    "one-signer-many-votes" "A4" "P2.7"
        "one node votes in several shapes and is counted several times"
        / "A4" "" => [Script("one-signer-many-votes"), Behave(4, "equivocator+double-voter")];
    "far-index-quorum" "A5" "P2.6, P2.7"
        "votes for an index that nobody holds commit what one node holds"
        / "A5" "" => [Script("far-index-quorum"), Behave(4, "vote-spammer"), Behave(7, "vote-spammer,double-voter")];
    "poisoned-index" "A6" "P2.6, P2.7"
        "votes with wrong hashes for every index before its entry exists"
        / "A6" "" => [Script("poisoned-index"), Behave(4, "double-voter")];
    "sticky-evidence" "J4" "P2.6"
        "an early or far vote hides every later one of the same node"
        / "J4" "" => [Script("poisoned-index"), Behave(4, "vote-spammer")];
    "replayed-appends" "A7" "P3.2, P3.3"
        "old messages of the honest leader, sent again, remove acknowledged entries"
        / "A7" "" => [Script("replayed-appends"), Behave(4, "replayer"), Behave(7, "replayer")];
    "equivocation-in-one-term" "C1" "P3.4, P7.3"
        "a leader proposes two values for one index in one term"
        / "C1" "" => [Script("one-signer-many-votes"), Behave(4, "equivocator"), Behave(7, "equivocator")];
    "withheld-branch" "P13 commit" "P3.3, P4.8"
        "an equivocator shows the second branch to few, deserts, and denies it"
        / "" "" => [Script("split-7"), Behave(4, "schemer"), Behave(7, "schemer,withholder"), Behave(10, "schemer,equivocator+report-liar")];
    "honest-equivocation" "A11" "P3.4, P3.8"
        "a deposed or restarted honest leader signs a second entry for an index"
        / "A11" "" => [Script("deposed-leader"), Script("forgotten-led")];
    "tail-fork" "S7" "P4.7, P4.8"
        "the next leader forgets the last certified entry"
        / "" "Fast-HotStuff and pipelined chains lose it" => [Script("tail-fork"), Behave(7, "base-forger")];
    "majority-quorum" "J2, S8" "P1.2"
        "two majorities of seven share only Byzantine nodes"
        / "J2" "" => [
            Script("split-7-quorum"),
            Test("consensus", "--lib", "any_two_quorums_share_a_correct_node"),
        ];
    "one-round-at-quorum" "S5" "P1.2, P2.7"
        "a commit in one round on Q accepted votes where Q < F"
        / "" "no protocol with n < 5f - 1 can do that" => [
            Script("split-7-quorum"),
            Test("consensus", "--test certificates", "with_seven_nodes_a_quorum_of_accepted_votes_does_not_commit"),
        ];
    "locks-only-reports" "S6" "P4.4"
        "reports leave out accepted entries while they can commit in one round"
        / "" "" => [Script("split-7"), Behave(7, "report-liar")];
    "fast-slow-order" "S2" "P4.8"
        "an older slow certificate is preferred to newer fast votes, or the other way round"
        / "" "Zyzzyva and FaB lose a commit" => [
            Script("split-7-locks"),
            Test("simulator", "--test searches", "no_base_misses_what_may_have_been_committed"),
        ];
    "amnesia" "S12" "P3.3, P9.4, P11.1"
        "a node restarts without its votes or locks"
        / "" "" => [Script("restarted-witness"), Script("restarted-locks"), Behave(4, "amnesiac"), Behave(7, "amnesiac")];
    "vote-before-write" "P13 commit" "P11.1"
        "nodes crash between a vote and its write, all at once too"
        / "" "the published programs keep everything in memory" => [Break(&[Kind::Crash, Kind::SlowDisk])];
    "twins" "P13 commit" "P3.4, P7.3"
        "two processes run with one key"
        / "" "ours: `cargo sim twins` goes through schedules" => [Behave(4, "twins"), Behave(7, "twins,twins")];
};
