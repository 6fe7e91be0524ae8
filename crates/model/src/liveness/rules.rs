//! What a network is in this model, and which of its rules is broken.

use std::{fmt, str::FromStr};

use crate::safety::Sizes;

/// The level at which timers stop growing.
pub const HIGHEST_LEVEL: u8 = 3;

/// The level beyond which a Suspect counts no longer (P4.3).
pub const WIDEST_LEVEL: u8 = 1;

/// The longest timer in ticks: the term timer at the highest level.
pub const LONGEST_TIMER: u8 = 1 << HIGHEST_LEVEL;

/// A rule of progress broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is told by its summary")]
pub enum Broken {
    Nothing,
    LateNodesUnanswered,
    SuspectStopsVoting,
    LevelResetByCommit,
    ConstantTimers,
    SuspectsNeverAge,
    OldCertificateEndsSuspicion,
    LeavesOnFewSuspects,
    LeaveByFewLeaves,
    LeaveSentOnce,
    CommitEndsStarved,
    ReportsNotResent,
    SuspectsWithoutCertificate,
    CertificatesNeverRepeated,
}

impl Broken {
    /// All but [`Broken::Nothing`].
    pub const ALL: [Self; 13] = [
        Self::LateNodesUnanswered,
        Self::SuspectStopsVoting,
        Self::LevelResetByCommit,
        Self::ConstantTimers,
        Self::SuspectsNeverAge,
        Self::OldCertificateEndsSuspicion,
        Self::LeavesOnFewSuspects,
        Self::LeaveByFewLeaves,
        Self::LeaveSentOnce,
        Self::CommitEndsStarved,
        Self::ReportsNotResent,
        Self::SuspectsWithoutCertificate,
        Self::CertificatesNeverRepeated,
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "as-written",
            Self::LateNodesUnanswered => "late-nodes-unanswered",
            Self::SuspectStopsVoting => "suspect-stops-voting",
            Self::LevelResetByCommit => "level-reset-by-commit",
            Self::ConstantTimers => "constant-timers",
            Self::SuspectsNeverAge => "suspects-never-age",
            Self::OldCertificateEndsSuspicion => "old-certificate-ends-suspicion",
            Self::LeavesOnFewSuspects => "leaves-on-few-suspects",
            Self::LeaveByFewLeaves => "leave-by-few-leaves",
            Self::LeaveSentOnce => "leave-sent-once",
            Self::CommitEndsStarved => "commit-ends-starved",
            Self::ReportsNotResent => "reports-not-resent",
            Self::SuspectsWithoutCertificate => "suspects-without-certificate",
            Self::CertificatesNeverRepeated => "certificates-never-repeated",
        }
    }

    /// The rule it breaks.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::LateNodesUnanswered
            | Self::LeavesOnFewSuspects
            | Self::LeaveByFewLeaves
            | Self::LeaveSentOnce
            | Self::ReportsNotResent
            | Self::CertificatesNeverRepeated => "P4.3",
            Self::SuspectStopsVoting
            | Self::SuspectsNeverAge
            | Self::OldCertificateEndsSuspicion
            | Self::CommitEndsStarved
            | Self::SuspectsWithoutCertificate => "P4.2",
            Self::LevelResetByCommit | Self::ConstantTimers => "P4.6",
        }
    }

    /// What it does, in a line.
    #[must_use]
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Nothing => "the rules as written",
            Self::LateNodesUnanswered => "messages of earlier terms are not answered",
            Self::SuspectStopsVoting => "a node that suspects no longer votes",
            Self::LevelResetByCommit => "one commit takes the timer level to zero",
            Self::ConstantTimers => "timers never grow",
            Self::SuspectsNeverAge => "Suspects count until the term ends",
            Self::OldCertificateEndsSuspicion => {
                "any commit certificate ends `silent`, however old"
            }
            Self::LeavesOnFewSuspects => "a node would leave when f + 1 suspect",
            Self::LeaveByFewLeaves => "f + 1 Leaves end a term",
            Self::LeaveSentOnce => "a Leave is sent once",
            Self::CommitEndsStarved => "a commit of anything ends `starved`",
            Self::ReportsNotResent => "a report is sent once",
            Self::SuspectsWithoutCertificate => "a Suspect comes without its term's certificate",
            Self::CertificatesNeverRepeated => {
                "late nodes unanswered, reports sent once, Suspects without certificate"
            }
        }
    }

    /// Whether other rules make up for this one, so that breaking it alone does no harm.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::ReportsNotResent | Self::SuspectsWithoutCertificate | Self::LevelResetByCommit
        )
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

impl FromStr for Broken {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        std::iter::once(Self::Nothing)
            .chain(Self::ALL)
            .find(|one| one.name() == name)
            .ok_or_else(|| format!("no mutation {name}: see cargo model liveness --list"))
    }
}

/// What disturbs the network after it has become timely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disturbance {
    /// The traitors do what they like; the timers of one correct node, if it is named, end
    /// whenever they like too.
    Traitors {
        /// The correct node with the bad clock, by position among the correct ones.
        hasty: Option<usize>,
    },
    /// The traitors suspect all the time, but keep nothing that others said. Now this correct node suspects without cause, now that one, but
    /// never two within two timers.
    Errors,
}

/// A network: who is in it and by which rules it goes.
#[derive(Clone, Debug)]
pub struct Network {
    /// Sizes (P1.2).
    pub sizes: Sizes,
    /// Numbers of the correct nodes. What follows calls a correct node by its position here.
    pub correct: Vec<usize>,
    /// What goes wrong.
    pub disturbance: Disturbance,
    /// Which rule is broken.
    pub broken: Broken,
    /// Whether clients complain about requests that wait (P6.2). If not, whatever is committed
    /// counts as progress.
    pub complaints: bool,
    /// Whether evidence against traitors shows up, now here, now there (P4.2, `misbehaved`).
    pub evidence: bool,
    /// Quiet timers until a level falls (ten in P4.6); `None`: never. Nothing falls in a time
    /// without progress, and after progress other levels are other states to start from.
    pub quiet_timers: Option<u8>,
}

impl Network {
    /// A network with these traitors, f of them; `None` if that is none, or too large for this
    /// model.
    #[must_use]
    pub fn new(
        nodes: usize,
        traitors: &[usize],
        disturbance: Disturbance,
        broken: Broken,
    ) -> Option<Self> {
        let sizes = Sizes::new(nodes).filter(|sizes| sizes.nodes <= 10)?;
        let correct: Vec<usize> = (0..nodes).filter(|node| !traitors.contains(node)).collect();
        (correct.len() == sizes.reports()).then_some(Self {
            sizes,
            correct,
            disturbance,
            broken,
            complaints: true,
            evidence: false,
            quiet_timers: None,
        })
    }

    /// leader(T) by position among the correct nodes; `None` if it is a traitor (P4.1).
    #[must_use]
    pub fn leader(&self, term: u8) -> Option<usize> {
        let leader = usize::from(term) % self.sizes.nodes;
        self.correct.iter().position(|&node| node == leader)
    }

    /// Nodes that suspect, or would leave, for one more to sign a Leave (P4.3).
    #[must_use]
    pub fn suspects(&self) -> usize {
        match self.broken {
            Broken::LeavesOnFewSuspects => self.sizes.faulty + 1,
            _ => self.sizes.quorum,
        }
    }

    /// Leaves of a leave certificate (P4.3).
    #[must_use]
    pub fn leaves(&self) -> usize {
        match self.broken {
            Broken::LeaveByFewLeaves => self.sizes.faulty + 1,
            _ => self.sizes.quorum,
        }
    }

    /// How long a Suspect counts for a node of this level (P4.3).
    #[must_use]
    pub const fn fresh(level: u8) -> u8 {
        2 * Self::silence(if level < WIDEST_LEVEL {
            level
        } else {
            WIDEST_LEVEL
        })
    }

    /// What the traitors need from correct nodes to have a quorum.
    #[must_use]
    pub const fn with_traitors(&self, needed: usize) -> usize {
        needed.saturating_sub(self.sizes.faulty)
    }

    /// The silence timer (P4.6): it grows by its length with each level.
    #[must_use]
    pub const fn silence(level: u8) -> u8 {
        level + 1
    }

    /// The starvation timer (P6.2), which grows likewise and is twice as long (P1.5).
    #[must_use]
    pub const fn starvation(level: u8) -> u8 {
        2 * (level + 1)
    }

    /// The term timer (P4.6): it doubles with each level.
    #[must_use]
    pub const fn term_timer(level: u8) -> u8 {
        1 << level
    }

    /// How often what lasts is repeated.
    #[must_use]
    pub const fn half_timer(level: u8) -> u8 {
        Self::silence(level).div_ceil(2)
    }
}
