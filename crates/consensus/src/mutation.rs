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
    /// The threshold of `select_base` is f + 1, however many reports there are (P4.8, step 3).
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
    /// f + 1 Leaves are a leave certificate (P4.3).
    LeaveByFewLeaves,
    /// A node signs a Leave when it counts f + 1 that suspect (P4.3).
    LeavesOnFewSuspects,
    /// A node that holds f + 1 Leaves goes on counting for itself (P4.3).
    LeavesNotFollowed,
    /// Whose Leave a node holds counts only while its Suspects are fresh (P4.3).
    LeavesNotCounted,
    /// A Leave is sent once (P4.3).
    LeaveSentOnce,
    /// Nobody passes on the Leaves of others (P4.3).
    LeavesKept,
    /// A node that signed a Leave votes no more in its term (P4.3).
    LeaveBinds,
    /// A Suspect counts until its term ends (P4.2).
    SuspectsNeverAge,
    /// A Suspect counts for two silence timers of the receiver's level, however high (P4.3).
    SuspectsCountByLevel,
    /// A Suspect is repeated less often the higher its maker's level (P4.2).
    SuspectsByLevel,
    /// A Suspect counts whoever brings it (P4.2).
    SuspectsCarried,
    /// Whatever a leader suspects itself of becomes the cause of everybody (P4.2).
    LeadersSuspicionTakenOver,
    /// An election certificate that comes again takes the accepted pair back to base (P4.9).
    RepeatedElectionLowersPair,
    /// One report less than n − f is enough for a leader change (P4.7).
    FewerReports,
    /// A node grants a base in a term in which it granted another (P4.7).
    TwoGrants,
    /// A voter believes the base that it is asked for (P4.7).
    BaseBelieved,
    /// A node goes on accepting and voting in a term that it left (P3.4, P4.3).
    VotesInTermLeft,
    /// A node that lacks the base votes in the new term for what it has (P3.4, P4.9).
    VotesBelowBase,
    /// A leader asks for grants for a base that it could not adopt itself (P4.5).
    DeadBaseSelected,
    /// A collector lets a reporter replace its report over and over (P4.5).
    NewestReportStands,
    /// A collector fetches whatever a report names, however large it turns out to be (P4.5).
    BaseWithoutLimit,
    /// A node that put its losing branch aside shows it to nobody (P3.3).
    LosingBranchHidden,
    /// A follower accepts entries however many bytes lie beyond the commit point (P3.2, 3).
    WindowBytesIgnored,
    /// An entry of transactions may be empty (P3.2).
    EmptyEntryValid,
    /// A node follows its leader to another branch of the term (P3.4).
    SecondBranchAccepted,
    /// A losing branch is forgotten once a certificate shows the other (P3.3).
    LosingBranchForgotten,
    /// A quorum is one node smaller (P1.2).
    SmallerQuorum,
    /// Raft: a node votes for whoever asks, however often in a term (P10.1, § 5.2).
    RaftVotesTwice,
    /// Raft: a node votes for a candidate whose log is behind its own (P10.1, § 5.4.1).
    RaftVotesForStaleLog,
    /// Raft: a refusal counts as a vote (P10.1, § 5.2).
    RaftRefusalCounts,
    /// Raft: a follower commits what the leader committed beyond what it was just shown to share
    /// (P10.1, figure 2).
    RaftCommitsUnmatched,
    /// Raft: a leader counts its own copy before it is on disk (P10.1, P11.1).
    RaftCountsUnwritten,
    /// Signatures do not cover the term of what is signed (P2.1).
    SignatureWithoutTerm,
    /// Signatures do not cover the epoch (P2.1).
    SignatureWithoutEpoch,
    /// Signatures do not cover the network (P2.1).
    SignatureWithoutNetwork,
    /// Signatures do not cover the mode (P2.1).
    SignatureWithoutMode,
    /// A batch equation decides about the signatures of an entry's requests, alone (P2.2).
    BatchDecidesAlone,
    /// A vote leaves, and counts, before its write is durable (P3.2, P11.1).
    VoteBeforeWrite,
    /// A node that starts again forgets its lock (P3.5, P11.1).
    LockForgotten,
    /// A node that starts again forgets its accepted pair, but for what is committed (P3.3, P11.1).
    PairForgotten,
    /// A node that starts again does not look whether it led its term before (P3.8).
    LedForgotten,
    /// What took a node to its term leaves before its own Leave in it may (P11.1).
    ProofBeforeWrite,
    /// A node keeps to itself what does not fit its chain (P7.3).
    UnfitKept,
    /// A node keeps to itself the votes that a report denies, of which it is told (P7.3).
    DeniedKept,
    /// A node that suspects stops accepting and voting before others suspect too (P4.2).
    SuspectStopsVoting,
    /// One commit takes the level of the timers back to zero (P4.6).
    LevelResetByCommit,
    /// Nobody answers a node that is behind (P4.2, P4.3).
    LateNodesUnanswered,
    /// A certificate of an older term counts as progress of this one, and ends its suspicion (P4.2).
    OldCertificateEndsSuspicion,
    /// What is committed and not applied is forgotten when requests are taken in or missed (P6.2).
    UnappliedForgotten,
    /// What the application refuses is still handed on and watched over (P6.2).
    RefusedWatched,
    /// A watched request is handed on once, and not again (P6.3).
    HandedOnOnce,
    /// A leader has no room beside the ordinary for what others watch over (P6.3).
    NoReserve,
    /// A client believes the first answer (P6.1).
    OneReplyIsEnough,
    /// A linearizable read trusts Q equal answers, however old they are (P7.2).
    ReadTrustsEqualAnswers,
    /// The ledger executes a request again when it comes again (P6.5).
    RepeatsExecuted,
    /// Raft: a vote leaves before it is durable (P10.1, P11.1).
    RaftVoteBeforeWrite,
    /// Raft: a node that starts again forgets its term and vote (P10.1, P11.1).
    RaftVoteForgotten,
    /// Raft: copies of an entry of an older term commit it (P10.1, § 5.4.2).
    RaftOlderTermCounted,
    /// Raft: a leader answers a linearizable read without asking whether it still leads (P10.1).
    RaftReadWithoutRound,
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
