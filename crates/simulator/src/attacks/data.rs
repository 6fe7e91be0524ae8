//! Attacks on bytes, signatures and contents.

use super::{
    Attack,
    Means::{Behave, Script, Test},
    attacks,
};

pub(super) static LIST: &[Attack] = attacks! {
    "forged-command" "A14, P13 data" "P2.3, P3.2"
        "a leader puts payments into entries that no client signed"
        / "" "published, code: entries are accepted without checking the client's signature (by reading)"
        => [Behave(4, "forger"), Behave(7, "forger")];
    "single-reply" "A15" "P6.1"
        "one node answers that something was committed"
        / "" "published, code and juno: the client believes the leader alone (by reading)" => [
            Test("client", "--lib", "two_equal_answers_of_different_nodes_decide"),
            Test("client", "--lib", "a_node_cannot_change_its_answer"),
        ];
    "body-identity" "J1" "P2.2"
        "the identity inside a message is believed instead of the key's"
        / "J1" "" => [
            Script("bent-certificates"),
            Behave(4, "forger"),
            Test("consensus", "--test wire", "no_bit_of_a_signed_message_can_be_changed"),
        ];
    "replay-elsewhere" "S17, P13 data" "P2.1"
        "what was signed for one term, epoch, network or mode is used in another"
        / "A9" "published, code: a client's complaint names no term" => [
            Script("bent-certificates"),
            Script("replayed-suspicion"),
            Behave(4, "replayer"),
            Test("consensus", "--test certificates", "a_certificate_of_another_network_or_mode_proves_nothing"),
        ];
    "malleated-signature" "J5" "P2.2, P2.3, P6.5"
        "a signature is rewritten so that its request counts as another one"
        / "" "published, juno: the command executes twice (by reading)" => [
            Test("consensus", "--test signatures", "the_accepted_signature_cannot_be_rewritten"),
            Test("node", "--lib", "a_repeat_gets_the_first_outcome"),
        ];
    "torsion-keys" "S13, P13 data" "P2.2"
        "crafted keys and signatures that verifiers disagree about"
        / "" "" => [
            Test("consensus", "--test signatures", "crafted_signatures_are_judged_strictly_and_alike"),
            Test("transport", "--lib", "a_weak_key_is_refused"),
        ];
    "wrong-transaction-root" "P13 data" "P3.2"
        "an entry's body is not the one that its header names"
        / "" "" => [
            Behave(4, "forger"),
            Test("consensus", "--test bending", "a_body_is_the_one_that_its_header_names"),
            Test("consensus", "--test bending", "an_invalid_entry_is_refused_wherever_it_stands"),
        ];
    "wrong-state" "P13 data" "P2.6, P7.3"
        "a node claims other results than everybody's"
        / "" "" => [
            Behave(4, "vote-spammer"),
            Test("node", "--lib", "a_lonely_claim_is_not_believed"),
        ];
    "forged-snapshot" "S15, P13 data" "P8.3"
        "a snapshot with the right chain hash and a wrong state"
        / "" "ours: snapshots are not built; a node catches up on entries, which hashes and certificates judge" => [
            Behave(4, "fetch-flooder+forger"),
            Test("consensus", "--test byzantine", "a_node_that_comes_back_catches_up"),
        ];
    "oversized-frame" "P13 data" "P12.1"
        "frames that announce or bring more than they may"
        / "" "" => [
            Test("transport", "--lib", "a_length_above_the_limit_is_refused_before_any_of_its_bytes"),
            Test("transport", "--lib", "an_oversized_frame_closes_the_connection_before_it_is_sent"),
            Test("consensus", "--test wire", "announced_lengths_are_judged_before_anything_is_read"),
        ];
    "malformed-frame" "P13 data" "P12.1"
        "garbage, half frames, empty frames, silence"
        / "" "" => [
            Test("transport", "--lib", "garbage_instead_of_a_hello_closes_the_connection_and_hurts_nobody"),
            Test("transport", "--lib", "a_frame_that_is_not_completed_closes_the_connection"),
            Test("consensus", "--test wire", "what_is_cut_short_or_too_long_is_refused"),
        ];
    "non-canonical-encoding" "P13 data" "P2.1"
        "two encodings of one value, or bytes after it"
        / "" "" => [
            Test("consensus", "--lib", "a_flag_has_one_encoding"),
            Test("consensus", "--lib", "a_value_fills_its_bytes_exactly"),
            Test("consensus", "--test wire", "a_flipped_bit_is_refused_or_makes_another_canonical_value"),
        ];
};
