//! Ways of breaking one rule, to see that the model notices.

use std::{fmt, str::FromStr};

/// The rules as written, or with one of them broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Variation {
    /// The rules of `docs/protocol.md`.
    #[default]
    AsWritten,
    /// Tangaroa as published, the paper's reading: no reports; a voter grants whatever holds its
    /// own committed entries.
    PublishedPaper,
    /// Tangaroa as published, the code's reading: no reports; a voter compares the candidate's
    /// claimed last entry with its own, and nothing binds the candidate to extend it.
    PublishedCode,
    /// The report of a leader that signed two branches counts.
    EquivocatorCounts,
    /// The threshold of `select_base` is one lower.
    ThresholdLower,
    /// The threshold of `select_base` is one higher.
    ThresholdHigher,
    /// The threshold of `select_base` is always that of all other nodes' reports.
    ThresholdConstant,
    /// `select_base` ignores L, the furthest certificate of the highest term.
    CertificateIgnored,
    /// A certificate cut down to a point below base(w) counts, and the walk starts from it.
    StartBelowBase,
    /// The walk counts only reports beyond a point, not those at it.
    ExtendsWithoutEquality,
    /// `select_base` looks at certificates alone, not at accepted points.
    AcceptedLeftOut,
    /// A report counts whatever its point hangs from.
    VoidReportsCount,
    /// Q votes commit in one round.
    OneRoundWithQuorum,
    /// A vote counts in every term.
    VotesOfAnyTerm,
    /// One signer counts twice in a certificate.
    SignersCountTwice,
    /// An election certificate that comes again lowers the accepted pair to base.
    RepeatedCertificateLowers,
    /// A commit certificate of a term below the pair's moves the pair.
    OldCertificateMovesPair,
    /// A node accepts entries that do not extend its accepted point.
    AcceptsBothBranches,
    /// A node goes on voting in a term that it left.
    VotesInTermLeft,
    /// A node grants two bases in one term.
    GrantsTwice,
    /// A vote leaves before its write: a restart forgets the last point accepted.
    VoteBeforeWrite,
    /// A restart forgets the accepted pair.
    PairForgotten,
    /// A restart forgets the lock.
    LockForgotten,
    /// A leader makes nothing durable before it leads: after a restart it signs a second branch.
    LedSkipped,
    /// An entry after a stop sign is accepted.
    StopSignFollowed,
    /// A stop sign is voted for, reported and adopted whether it is authorized or not.
    StopSignUnchecked,
    /// f + 1 Leaves end a term. Safety does not depend on this rule: progress does.
    LeaveByFewLeaves,
}

/// Name, rule, what is broken.
type Description = (&'static str, &'static str, &'static str);

impl Variation {
    /// Every way of breaking a rule that this model knows.
    pub const BROKEN: [Self; 26] = [
        Self::PublishedPaper,
        Self::PublishedCode,
        Self::EquivocatorCounts,
        Self::ThresholdLower,
        Self::ThresholdHigher,
        Self::ThresholdConstant,
        Self::CertificateIgnored,
        Self::StartBelowBase,
        Self::ExtendsWithoutEquality,
        Self::AcceptedLeftOut,
        Self::VoidReportsCount,
        Self::OneRoundWithQuorum,
        Self::VotesOfAnyTerm,
        Self::SignersCountTwice,
        Self::RepeatedCertificateLowers,
        Self::OldCertificateMovesPair,
        Self::AcceptsBothBranches,
        Self::VotesInTermLeft,
        Self::GrantsTwice,
        Self::VoteBeforeWrite,
        Self::PairForgotten,
        Self::LockForgotten,
        Self::LedSkipped,
        Self::StopSignFollowed,
        Self::StopSignUnchecked,
        Self::LeaveByFewLeaves,
    ];

    const fn description(self) -> Description {
        match self {
            Self::AsWritten => ("as-written", "P1–P5", "nothing is broken"),
            Self::PublishedPaper => (
                "published-paper",
                "P4.7",
                "no reports; voters check their own committed entries",
            ),
            Self::PublishedCode => (
                "published-code",
                "P4.7",
                "no reports; voters compare the claimed last entry",
            ),
            Self::EquivocatorCounts => (
                "equivocator-counts",
                "P4.8",
                "the equivocator's own report counts",
            ),
            Self::ThresholdLower => ("threshold-lower", "P4.8", "threshold one lower"),
            Self::ThresholdHigher => ("threshold-higher", "P4.8", "threshold one higher"),
            Self::ThresholdConstant => ("threshold-constant", "P4.8", "threshold constant in m"),
            Self::CertificateIgnored => ("certificate-ignored", "P4.8", "L is ignored"),
            Self::StartBelowBase => (
                "start-below-base",
                "P2.7, P4.8",
                "the walk starts from a certificate below base(w)",
            ),
            Self::ExtendsWithoutEquality => (
                "extends-without-equality",
                "P2.5, P4.8",
                "the walk reads extends strictly",
            ),
            Self::AcceptedLeftOut => (
                "accepted-left-out",
                "P4.4, P4.8",
                "reports leave out accepted points",
            ),
            Self::VoidReportsCount => ("void-reports-count", "P4.5", "unjustified branches count"),
            Self::OneRoundWithQuorum => {
                ("one-round-with-quorum", "P2.7", "Q votes commit in a round")
            }
            Self::VotesOfAnyTerm => ("votes-of-any-term", "P2.1, P2.7", "terms are not signed"),
            Self::SignersCountTwice => ("signers-count-twice", "P2.7", "duplicate signers count"),
            Self::RepeatedCertificateLowers => (
                "repeated-certificate-lowers",
                "P4.9",
                "a repeated election certificate lowers the pair",
            ),
            Self::OldCertificateMovesPair => (
                "old-certificate-moves-pair",
                "P3.3",
                "a commit certificate of a lower term moves the pair",
            ),
            Self::AcceptsBothBranches => (
                "accepts-both-branches",
                "P3.2, P3.4",
                "votes for two chains",
            ),
            Self::VotesInTermLeft => ("votes-in-term-left", "P3.4", "votes in a term it left"),
            Self::GrantsTwice => ("grants-twice", "P4.7", "two bases granted in one term"),
            Self::VoteBeforeWrite => ("vote-before-write", "P11.1", "a vote before its write"),
            Self::PairForgotten => ("pair-forgotten", "P11.1", "a restart forgets the pair"),
            Self::LockForgotten => ("lock-forgotten", "P11.1", "a restart forgets the lock"),
            Self::LedSkipped => ("led-skipped", "P3.8", "a restarted leader signs again"),
            Self::StopSignFollowed => ("stop-sign-followed", "P9.2", "an entry after a stop sign"),
            Self::StopSignUnchecked => (
                "stop-sign-unchecked",
                "P3.2, P4.5",
                "stop signs count unauthorized",
            ),
            Self::LeaveByFewLeaves => (
                "leave-by-few-leaves",
                "P4.3",
                "f + 1 Leaves end a term (a matter of progress)",
            ),
        }
    }

    /// The name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.description().0
    }

    /// The rules that it breaks.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        self.description().1
    }

    /// What it does, in a few words.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        self.description().2
    }
}

impl fmt::Display for Variation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Variation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Self::AsWritten.name() {
            return Ok(Self::AsWritten);
        }
        Self::BROKEN
            .into_iter()
            .find(|variation| variation.name() == text)
            .ok_or_else(|| format!("there is no variation '{text}': cargo model mutations --list"))
    }
}
