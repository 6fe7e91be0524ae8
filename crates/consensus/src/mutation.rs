//! Switches that break one rule each, to prove that a test bites.
//!
//! Without the feature `mutations`, which no product enables, [`active`] is a constant `false` and
//! every mutated line is compiled away. With it a thread may break one rule at a time. What each
//! mutation does, and what catches it, is listed in `docs/mutations.md`.

macro_rules! mutations {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// A rule that can be broken on purpose.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Mutation {
            $($(#[$meta])* $name,)*
        }

        impl Mutation {
            /// Every mutation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];
        }
    };
}

mutations! {
    /// `select_base` counts the report of a leader that signed two branches (P4.8, step 3).
    EquivocatorReportCounts,
    /// The threshold of `select_base` is one lower (P4.8, step 3).
    ThresholdLower,
    /// The threshold of `select_base` is one higher (P4.8, step 3).
    ThresholdHigher,
    /// The threshold of `select_base` is that of n − f reports, however many there are (P4.8, step
    /// 3).
    ThresholdConstant,
    /// `select_base` ignores certificates of the highest term (P4.8, L).
    CertificatesIgnored,
    /// A certificate may be cut down to a point below its term's base (P2.7).
    CertificateBelowBase,
    /// A point does not extend itself in `select_base` (P2.5, P4.8).
    StrictExtends,
    /// A report counts whose pair nothing justifies (P4.5).
    UnjustifiedReportCounts,
    /// Q votes that accepted commit in one round (P2.7).
    OneRoundCommitByQuorum,
    /// A signer counts as often as a certificate repeats it (P2.7).
    DuplicateSigners,
    /// The chain is cut below the commit point (P3.2, 4; figure 2 of Raft).
    TruncationBelowCommit,
    /// f + 1 Suspects end a term (P4.3).
    LeaveByFewSuspects,
    /// An election certificate that comes again takes the accepted pair back to base (P4.9).
    RepeatedElectionLowersPair,
}

#[cfg(feature = "mutations")]
mod switch {
    use std::cell::Cell;

    use super::Mutation;

    thread_local! {
        static ACTIVE: Cell<Option<Mutation>> = const { Cell::new(None) };
    }

    /// Whether this thread breaks the rule.
    #[must_use]
    pub fn active(mutation: Mutation) -> bool {
        ACTIVE.get() == Some(mutation)
    }

    /// Breaks a rule on this thread until the guard is dropped.
    #[must_use = "the rule holds again when this is dropped"]
    pub fn activate(mutation: Option<Mutation>) -> Broken {
        Broken(ACTIVE.replace(mutation))
    }

    /// While this lives, its thread breaks a rule.
    #[derive(Debug)]
    pub struct Broken(Option<Mutation>);

    impl Drop for Broken {
        fn drop(&mut self) {
            ACTIVE.set(self.0);
        }
    }
}

#[cfg(feature = "mutations")]
pub use switch::{Broken, activate, active};

/// Whether this thread breaks the rule: never, in this build.
#[cfg(not(feature = "mutations"))]
#[must_use]
#[inline(always)]
pub const fn active(_: Mutation) -> bool {
    false
}
