//! What breaks, decided in every particular.

use consensus::{NodeId, Time};
use serde::{Deserialize, Serialize};

use super::RequestPlan;
use crate::network::Weather;

/// Something at a moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timed<T> {
    /// When, in simulated microseconds.
    pub at_micros: u64,
    /// How many other things of the same microsecond come before it: whatever else happens then, but
    /// for what is in the same list, which has an order of its own. Left out: it comes first. More
    /// than there are: it comes last.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after: u64,
    /// What.
    pub what: T,
}

impl<T> Timed<T> {
    /// When.
    #[must_use]
    pub const fn at(&self) -> Time {
        Time(self.at_micros)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// How messages travel; see [`Weather`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeatherPlan {
    /// Shortest delay.
    pub shortest_micros: u64,
    /// Longest ordinary delay.
    pub longest_micros: u64,
    /// Messages of a thousand that take longer.
    pub stragglers: u32,
    /// Longest delay of those.
    pub straggle_micros: u64,
    /// Messages of a thousand that are lost.
    pub loss: u32,
    /// Messages of a thousand that arrive twice.
    pub duplication: u32,
}

impl From<Weather> for WeatherPlan {
    fn from(weather: Weather) -> Self {
        Self {
            shortest_micros: weather.shortest.0,
            longest_micros: weather.longest.0,
            stragglers: weather.stragglers,
            straggle_micros: weather.straggle.0,
            loss: weather.loss,
            duplication: weather.duplication,
        }
    }
}

/// Delays longer than an hour are an hour.
impl From<WeatherPlan> for Weather {
    fn from(plan: WeatherPlan) -> Self {
        let time = |micros: u64| Time(micros.min(3_600_000_000));
        Self {
            shortest: time(plan.shortest_micros),
            longest: time(plan.longest_micros),
            stragglers: plan.stragglers,
            straggle: time(plan.straggle_micros),
            loss: plan.loss,
            duplication: plan.duplication,
        }
    }
}

/// Something that breaks or is mended. Nodes are named by their numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// A node stops without warning.
    Crash(u16),
    /// It starts again.
    Restart(u16),
    /// These do not hear the others, nor the others these.
    Split(Vec<u16>),
    /// A link fails, from the first to the second.
    Cut(u16, u16),
    /// It works again.
    Restore(u16, u16),
    /// Only this node hears votes.
    Favour(u16),
    /// All links work, and everybody hears votes.
    Mend,
    /// A disk becomes slow.
    SlowDisk(u16),
    /// It is healthy again.
    FastDisk(u16),
    /// A node's wall clock is so many milliseconds off from now on.
    WallClock(u16, i64),
    /// How messages travel from now on.
    Weather(WeatherPlan),
}

impl Act {
    /// The nodes that it names.
    #[must_use]
    pub fn nodes(&self) -> Vec<u16> {
        match self {
            Self::Crash(node)
            | Self::Restart(node)
            | Self::Favour(node)
            | Self::SlowDisk(node)
            | Self::FastDisk(node)
            | Self::WallClock(node, _) => vec![*node],
            Self::Split(nodes) => nodes.clone(),
            Self::Cut(from, to) | Self::Restore(from, to) => vec![*from, *to],
            Self::Mend | Self::Weather(_) => Vec::new(),
        }
    }

    /// These nodes are cut off.
    #[must_use]
    pub fn split(side: &[NodeId]) -> Self {
        Self::Split(side.iter().map(|node| node.0).collect())
    }
}

/// What a run did that its seed decided.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// What broke.
    pub acts: Vec<Timed<Act>>,
    /// Who asked for what.
    pub requests: Vec<Timed<RequestPlan>>,
}
