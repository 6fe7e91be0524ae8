//! Attacks on how leaders are elected, and on what they must keep.

use super::{
    Attack,
    Means::{Behave, Script, Test},
    attacks,
};

pub(super) static LIST: &[Attack] = attacks! {
    "rush-in-candidate" "P13 election, Cachin and Vukolić § 3.5" "P4.1"
        "a node claims a term that is not its own, or its own without anybody's suspicion"
        / "" "published, every reading: nobody can check that a candidate waited, so a traitor wins every election"
        => [Script("usurped-term"), Behave(4, "base-forger")];
    "refusals-as-votes" "A3" "P4.7"
        "signed statements that grant nothing pose as an election"
        / "A3" "" => [Script("usurped-term")];
    "term-inflation" "A8, S16" "P4.3"
        "messages of the largest terms, to take everybody along"
        / "A8" "" => [Script("inflated-terms"), Behave(4, "term-inflater"), Behave(7, "term-inflater")];
    "runaway-candidate" "A10" "P4.3"
        "a starved node runs ahead in terms until nobody can follow"
        / "A10" "" => [Script("starved-node")];
    "node-left-behind" "P13 election" "P4.3"
        "a node misses a leader change and hears nothing of it"
        / "" "" => [Script("left-behind"), Behave(4, "shunner")];
    "lone-suspect" "P13 election" "P4.2"
        "one node that never hears the leader suspects it"
        / "" "" => [Script("lone-suspect")];
    "hidden-lock" "S1, S9" "P3.5, P4.8"
        "a certificate is shown to one node only, which is away when the leader changes"
        / "" "two-phase HotStuff and the first Tendermint get stuck"
        => [Script("hidden-lock"), Script("restarted-locks"), Behave(7, "schemer")];
    "lying-report" "P13 election, S6" "P4.4, P4.5"
        "reports say too little, too much, or an older pair, and hide certificates"
        / "" "the published protocol has no reports" => [Behave(4, "report-liar"), Behave(7, "report-liar,schemer")];
    "unjustified-branch" "S4" "P4.5"
        "reports name a branch that its author signed for a term that nobody elected it for"
        / "" "" => [Script("branch-without-election"), Behave(7, "schemer,report-liar")];
    "equivocator-counted" "S3" "P4.8"
        "the report of a leader that signed two branches tips the scales"
        / "" "" => [Script("split-4"), Script("split-7"), Behave(4, "schemer"), Behave(7, "schemer")];
    "even-split" "P13 election, S3" "P4.8"
        "f + 1 reports stand against f + 1"
        / "" "" => [Script("split-6")];
    "hidden-report" "P13 election" "P4.7"
        "the next leader leaves out the report that names a committed entry"
        / "" "" => [Script("tail-fork"), Behave(4, "base-forger"), Behave(7, "base-forger,report-liar")];
    "foreign-certificate" "S17, P13 election" "P2.1, P2.7"
        "a certificate of another term, epoch, network or mode"
        / "" "" => [
            Script("bent-certificates"),
            Script("replayed-suspicion"),
            Test("consensus", "--test certificates", "a_certificate_of_another_network_or_mode_proves_nothing"),
            Test("consensus", "--test certificates", "a_vote_of_another_term_or_point_does_not_count"),
        ];
    "duplicate-signer" "S17, P13 election" "P2.7"
        "one signer stands in a certificate twice"
        / "" "" => [
            Script("bent-certificates"),
            Test("consensus", "--test certificates", "a_signer_counts_once"),
            Test("consensus", "--test certificates", "grants_are_counted_once_and_only_for_what_they_grant"),
        ];
    "two-bases-granted" "P13 election" "P4.7"
        "a leader asks different nodes for different bases, and a voter grants both"
        / "" "" => [Script("two-requests"), Behave(4, "double-voter"), Behave(7, "base-forger,double-voter")];
    "repeated-election-certificate" "P13 election" "P4.9"
        "an election certificate is sent again, to take the votes of its term back"
        / "" "" => [Script("replayed-appends"), Behave(4, "replayer"), Behave(7, "replayer,schemer")];
    "certificate-below-base" "P13 election" "P2.7"
        "a real certificate is cut down to a point that its term only inherited"
        / "" "" => [
            Script("bent-certificates"),
            Test("consensus", "--test certificates", "headers_link_the_point_to_the_votes_and_are_of_its_term"),
        ];
    "smuggled-stop-sign" "P13 election" "P4.5, P9.2"
        "a report ends in an entry of a kind that does not exist"
        / "" "ours: stop signs are not built, and entries of unknown kinds are refused as malformed"
        => [Test("consensus", "--test wire", "random_bytes_are_refused_or_canonical")];
    "wild-timestamp" "P13 election" "P3.2, P4.5"
        "a report smuggles in an entry from the far future, or one older than the entry before"
        / "" "" => [
            Script("wild-timestamp"),
            Script("timestamp-that-goes-back"),
            Test("consensus", "--test attacks", "a_report_cannot_smuggle_in_a_timestamp_far_ahead"),
        ];
    "suspicion-dripped-away" "P13 election" "P4.2"
        "a stalling leader ends suspicions with certificates that are old, or one step newer"
        / "" "" => [Script("dripped-certificates"), Script("old-certificate")];
    "suspicions-added-up" "P13 election" "P4.2, P4.3"
        "suspicions of different moments, or of too few nodes, are added up"
        / "" "" => [
            Script("suspicions-added-up"),
            Script("few-suspects"),
            Test("consensus", "--test leaving", "suspects_of_different_moments_do_not_add_up"),
        ];
    "term-regression" "J3" "P4.3, P4.7"
        "old answers make a candidate fall back a term and vote again"
        / "J3" "" => [Script("two-requests"), Behave(4, "replayer"), Behave(4, "amnesiac")];
};
