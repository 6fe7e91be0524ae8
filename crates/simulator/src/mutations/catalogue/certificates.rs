//! Certificates (P2.7).

use consensus::mutation::Mutation;

use crate::mutations::{Detector, Entry};

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        mutation: Mutation::DuplicateSigners,
        id: "duplicate-signers",
        rule: "P2.7",
        breaks: "a signer counts as often as a certificate repeats it",
        detectors: &[Detector::Scenario("repeated-signer")],
    },
    Entry {
        mutation: Mutation::CertificateBelowBase,
        id: "certificate-below-base",
        rule: "P2.7, P4.8",
        breaks: "a certificate may be cut down to a point below its term's base",
        detectors: &[Detector::Scenario("cut-certificate")],
    },
];
