//! Attacks on progress.

use super::{
    Attack,
    Means::{Behave, Break, Script, Test},
    attacks,
};
use crate::fault::Kind;

pub(super) static LIST: &[Attack] = attacks! {
    "silent-leader" "P13 progress" "P4.2"
        "a node says nothing, or falls silent while it leads"
        / "" "" => [Behave(4, "silent"), Behave(7, "silent")];
    "censoring-leader" "P13 progress" "P6.2, P6.3"
        "a leader serves everybody but some clients"
        / "" "published, paper and code: a client's word alone deposes any leader" => [
            Behave(4, "censor"),
            Behave(7, "censor"),
            Test("client", "--test misbehaviour", "a_censoring_leader_is_deposed_by_its_victims_complaint"),
        ];
    "leader-that-shuns-one" "A16, P13 progress" "P3.7, P4.2"
        "a leader serves all nodes but one, for ever"
        / "" "published, every reading: the node is cut off, as there is no catch-up (by reading)"
        => [Script("starved-node"), Behave(4, "shunner"), Behave(7, "shunner")];
    "runaway-leader" "P13 progress" "P4.3"
        "a leader censors one client and leaves a node far behind with a stream of entries, so that suspicions lie far apart"
        / "" "" => [
            Test("consensus", "--test leaving", "a_censoring_leader_that_leaves_a_node_far_behind_is_deposed"),
        ];
    "crawling-leader" "S11, P13 progress" "P6.4"
        "a leader is as slow as it can be without being silent"
        / "" "" => [Behave(4, "crawler"), Behave(7, "crawler")];
    "alternating-bad-leaders" "P13 progress" "P4.6"
        "leaders that work for a moment and then stop, one after the other"
        / "" "" => [Behave(4, "relapser"), Behave(7, "relapser"), Behave(10, "relapser,silent,crawler")];
    "withheld-bodies" "P13 progress, S10" "P3.7, P4.5"
        "a node votes and sends heartbeats, and hands out no entries"
        / "" "" => [Behave(4, "withholder"), Behave(7, "withholder,schemer")];
    "dead-base" "P13 progress" "P4.5, P4.9"
        "a leader is elected with a base that nobody can adopt, and traitors report it ever after"
        / "" "" => [
            Behave(4, "hoarder"),
            Behave(7, "hoarder"),
            Test("consensus", "--test dead_bases", "a_base_with_a_withheld_body_is_elected_once"),
            Test("consensus", "--test dead_bases", "a_base_far_ahead_is_elected_once"),
            Test("consensus", "--test dead_bases", "a_base_whose_clock_goes_back_is_elected_once"),
            Test("consensus", "--test dead_bases", "at_four_nodes_a_base_with_a_withheld_body_is_elected_once"),
        ];
    "losing-branch-restart" "P13 progress" "P3.3, P4.5"
        "a node restarts, or is flooded, while its report names a branch that only it was shown"
        / "" "" => [
            Test("consensus", "--test losing_branches", "a_node_with_a_losing_branch_counts_after_a_restart"),
            Test("consensus", "--test losing_branches", "a_node_with_a_losing_branch_counts_after_a_flood"),
        ];
    "branch-flood" "P13 progress" "P4.5, P12.1"
        "a leader shows each node another branch, or larger ones than the next leader has room for"
        / "" "" => [
            Behave(4, "brancher"),
            Behave(7, "brancher"),
            Test("consensus", "--test branch_floods", "a_whole_window_each_at_sixteen_nodes"),
            Test("consensus", "--test branch_floods", "branches_of_the_largest_entries_at_four_nodes"),
            Test("consensus", "--test branch_floods", "a_base_larger_than_any_correct_node_accepted_is_not_fetched"),
            Test("consensus", "--test branch_floods", "a_reporter_that_changes_its_report_gets_no_more_room"),
        ];
    "window-of-giants" "P13 progress" "P3.2"
        "entries beyond the commit point that no term is long enough to move"
        / "" "" => [
            Test("consensus", "--test windows", "a_follower_keeps_to_the_bytes_of_the_window"),
            Test("consensus", "--test windows", "a_leader_change_with_a_full_window_fits_a_term"),
        ];
    "uneven-batches" "A12" "P2.6, P3.7"
        "followers whose batches end at different indices never match"
        / "A12" "" => [Script("uneven-batches")];
    "endless-catch-up" "P13 progress" "P3.7, P12.1"
        "a node asks for everything for ever, and answers one entry at a time"
        / "" "" => [
            Behave(4, "fetch-flooder"),
            Behave(7, "fetch-flooder,withholder"),
            Test("consensus", "--test attacks", "a_flood_of_entries_does_not_stop_a_late_node"),
        ];
    "complaint-abuse" "A9, P13 progress" "P6.2, P6.3"
        "clients and nodes complain without end of a leader that serves them"
        / "A9" "" => [
            Script("complaint-abuse"),
            Behave(4, "complaint-flooder"),
            Test("node", "--lib", "a_key_complains_in_bursts_and_then_at_a_steady_rate"),
            Test("node", "--lib", "a_complaint_holds_for_its_own_key_term_and_request_only"),
        ];
    "masked-censorship" "P13 progress" "P6.2, P6.3"
        "a leader censors a client and has the timers of its account run for older requests of it"
        / "" "" => [
            Behave(4, "repeater"),
            Test("consensus", "--test admission", "old_requests_do_not_mask_a_new_one"),
            Test("consensus", "--test admission", "newer_requests_of_the_victim_do_not_keep_it_waiting_for_ever"),
        ];
    "complaints-beyond-room" "P13 progress" "P6.3"
        "clients and a traitor have followers watch over more than a leader that serves them has room for"
        / "" "" => [
            Test("consensus", "--test admission", "complaints_beyond_a_share_depose_nobody"),
            Test("consensus", "--test admission", "what_is_watched_over_finds_room_beside_a_full_account"),
            Test("consensus", "--test admission", "a_flood_through_followers_deposes_nobody"),
        ];
    "executed-again" "P13 progress" "P6.2, P6.5"
        "a validator relays executed requests, to have them committed again and new ones refused"
        / "" "" => [
            Behave(7, "repeater,silent"),
            Test("consensus", "--test admission", "executed_requests_are_not_taken_in_again"),
            Test("consensus", "--test admission", "what_is_handed_on_again_is_committed_once"),
        ];
    "strangers" "S11, P13 progress" "P6.2"
        "keys without an account ask and complain"
        / "" "" => [Test("ledger", "--test admission", "complaints_of_strangers_have_no_effect")];
    "report-flood" "P13 progress" "P4.5, P12.1"
        "reports without end: true ones, old ones and lies"
        / "" "" => [Behave(4, "report-flooder"), Behave(7, "report-flooder,schemer")];
    "vote-flood" "A6, P13 progress" "P2.6, P12.1"
        "votes without end for points near and far"
        / "" "published, code: every vote is kept" => [Behave(4, "vote-spammer"), Behave(7, "vote-spammer")];
    "bad-client" "S11" "P6.3, P12.1"
        "one client asks for what slows everybody down"
        / "" "throughput of PBFT, Q/U, HQ and Zyzzyva falls below ten requests a second (Aardvark)" => [
            Test("consensus", "--test attacks", "a_client_cannot_make_a_leader_sign_an_entry_that_is_too_large"),
            Test("client", "--test starting", "hostile_clients_lose_their_connection_and_nothing_else"),
        ];
    "one-way-links" "P13 progress" "P4.2, P4.3"
        "links work in one direction only"
        / "" "" => [Break(&[Kind::OneWay])];
    "flapping-link" "P13 progress" "P4.2, P4.6"
        "a link works and fails in quick alternation"
        / "" "" => [Break(&[Kind::Flap])];
    "partition-and-heal" "P13 progress" "P1.1"
        "the network falls apart and comes together again"
        / "" "" => [Break(&[Kind::Partition]), Behave(4, "equivocator+censor")];
    "storms-and-clocks" "P13 progress" "P1.1, P3.2"
        "loss, duplication, stragglers; clocks that jump and drift; slow disks"
        / "" "" => [Break(&[Kind::Storm, Kind::Clock, Kind::SlowDisk])];
    "view-change-during-sync" "S14" "P8.4"
        "nodes catch up while leaders change, and must not apply anything twice"
        / "" "SmartBFT delivered twice" => [
            Break(&[Kind::Crash, Kind::Partition, Kind::Ambush]),
            Behave(4, "relapser+shunner"),
        ];
    "wild-clocks" "P13 progress" "P3.2, P4.9"
        "clocks are further apart for a while than nodes accept"
        / "" "" => [Break(&[Kind::Skew, Kind::Clock])];
    "restart-at-the-worst-moment" "P13 progress" "P3.3, P11.1"
        "nodes stop just after they wrote a losing branch, a grant, or what took them to a term"
        / "" "" => [Break(&[Kind::RareWrite, Kind::Handover])];
    "everything-at-once" "P13" "P1.1"
        "another behaviour every few seconds, in pairs, at f nodes"
        / "" "" => [
            Behave(4, "medley+medley"),
            Behave(4, "equivocator+medley"),
            Behave(7, "medley,equivocator+crawler"),
            Behave(10, "medley,schemer,relapser+censor"),
        ];
};
