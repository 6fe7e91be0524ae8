//! What breaks during the faulty phase of a run, drawn from its seed.

use consensus::{NodeId, Record, Time};

use crate::{disk::SyncTime, network::Weather, random::Random};

/// Syncs of a healthy disk.
pub const HEALTHY_DISK: SyncTime = SyncTime {
    shortest: Time(200),
    longest: Time(2_000),
};

/// Syncs of a disk in trouble.
pub const SLOW_DISK: SyncTime = SyncTime {
    shortest: Time::from_millis(30),
    longest: Time::from_millis(700),
};

/// What can strike again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A node stops, and starts again a while later; sometimes all at once.
    Crash,
    /// The nodes fall into two groups that do not hear each other.
    Partition,
    /// Some links are cut in one direction.
    OneWay,
    /// A disk becomes slow.
    SlowDisk,
    /// A wall clock jumps.
    Clock,
    /// Loss, duplication and stragglers for a while.
    Storm,
    /// A link works and fails in quick alternation, in one direction or both.
    Flap,
    /// For a moment only one node hears votes; what it committed alone by then it cannot tell,
    /// because it is cut off next.
    Ambush,
    /// The next node that writes something rare stops right after it.
    RareWrite,
    /// A wall clock is further off for a while than others accept.
    Skew,
    /// The leader restarts, unless it is Byzantine: the next one has its turn.
    Handover,
}

impl Kind {
    /// Those that a profile is drawn from first; the others came later.
    const FIRST: [Self; 7] = [
        Self::Crash,
        Self::Partition,
        Self::OneWay,
        Self::SlowDisk,
        Self::Clock,
        Self::Storm,
        Self::Ambush,
    ];
}

/// Something that a node writes now and then, and that a restart must not lose (P11.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rare {
    /// A losing branch is put aside.
    SideBranch,
    /// A grant.
    Grant,
    /// What took it to another term.
    Term,
    /// What entitles it to its pair.
    Justification,
}

impl Rare {
    /// Another one is waited for each time; losing branches more often, as they are the rarest.
    pub(crate) fn draw(random: &mut Random) -> Self {
        *random
            .pick(&[
                Self::SideBranch,
                Self::SideBranch,
                Self::Grant,
                Self::Term,
                Self::Justification,
            ])
            .expect("five choices")
    }

    /// Whether it is among these records.
    #[must_use]
    pub fn is_in(self, records: &[Record]) -> bool {
        records.iter().any(|record| match self {
            Self::SideBranch => matches!(record, Record::SideEntry(_)),
            Self::Grant => matches!(record, Record::Granted(_)),
            Self::Term => matches!(record, Record::Leave(_) | Record::Election(_)),
            Self::Justification => matches!(record, Record::Justification(_)),
        })
    }
}

/// Something that breaks or is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A fault of this kind strikes, and plans its next time.
    Strike(Kind),
    /// A node starts again.
    Restart(NodeId),
    /// The one node that hears votes is cut off.
    Spring(NodeId),
    /// Cut links work again.
    Mend,
    /// A link that flaps fails or works again, so many times more.
    Flap {
        /// From whom.
        from: NodeId,
        /// To whom.
        to: NodeId,
        /// How many changes are left. With an even number it works.
        left: u8,
    },
    /// A disk is healthy again.
    FastDisk(NodeId),
    /// The network is as in fair weather again.
    Calm,
    /// A node that wrote something rare stops.
    Stop(NodeId),
    /// A wall clock is right again, but for what all clocks are off.
    SetClock(NodeId),
    /// The end of all faults but Byzantine ones (P1.1: "after some unknown time it is timely").
    Heal,
    /// Clocks have caught up with what clocks that were wrong let in.
    Timely,
}

impl Fault {
    /// Whether it happens whatever was decided: it ends what breaks.
    #[must_use]
    pub const fn is_end(self) -> bool {
        matches!(self, Self::Heal | Self::Timely)
    }
}

/// How far a clock may be off when the network is timely, in milliseconds.
pub const OFFSET: i64 = 1_000;
/// How far it may be off for a while, in milliseconds: more than others accept (P3.2).
pub const WILD_OFFSET: u64 = 13_000;

/// What a seed has in store.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The network between storms.
    pub weather: Weather,
    /// What strikes, and the average time between two strikes.
    pub kinds: Vec<(Kind, Time)>,
    /// How far clocks drift, in parts per million.
    pub drift: u64,
}

impl Profile {
    /// Draws a profile; one in eight is free of faults.
    #[must_use]
    pub fn draw(random: &mut Random) -> Self {
        if random.chance(125) {
            return Self {
                weather: Weather::TIMELY,
                kinds: Vec::new(),
                drift: 0,
            };
        }
        let longest = *random
            .pick(&[3, 10, 30, 80])
            .expect("there are four choices");
        let weather = Weather {
            shortest: Time(random.between(100, 2_000)),
            longest: Time::from_millis(longest),
            stragglers: *random.pick(&[0, 5, 50]).expect("three choices"),
            straggle: Time::from_millis(random.between(50, 800)),
            loss: *random.pick(&[0, 0, 5, 50]).expect("four choices"),
            duplication: *random.pick(&[0, 10, 50]).expect("three choices"),
        };
        let mut kinds: Vec<(Kind, Time)> = Kind::FIRST
            .into_iter()
            .filter_map(|kind| {
                let gap = Time::from_millis(random.between(2_000, 12_000));
                random.chance(450).then_some((kind, gap))
            })
            .collect();
        let drift = *random.pick(&[0, 200, 20_000]).expect("three choices");
        // Drawn last, so that older seeds keep the rest of their profile.
        if random.chance(300) {
            kinds.push((Kind::Flap, Time::from_millis(random.between(2_000, 12_000))));
        }
        if random.chance(300) {
            kinds.push((
                Kind::RareWrite,
                Time::from_millis(random.between(200, 4_000)),
            ));
        }
        if random.chance(150) {
            kinds.push((Kind::Skew, Time::from_millis(random.between(2_000, 12_000))));
        }
        if random.chance(300) {
            let gap = Time::from_millis(random.between(300, 4_000));
            // Mostly nothing else disturbs whoever leads then.
            if random.chance(700) {
                let quiet = [Kind::RareWrite, Kind::Skew];
                kinds.retain(|(kind, _)| quiet.contains(kind));
                return Self {
                    weather: Weather::TIMELY,
                    kinds: [&kinds[..], &[(Kind::Handover, gap)]].concat(),
                    drift,
                };
            }
            kinds.push((Kind::Handover, gap));
        }
        Self {
            weather,
            kinds,
            drift,
        }
    }

    /// How long until a kind strikes again.
    pub fn until_next(&self, kind: Kind, random: &mut Random) -> Option<Time> {
        let (_, gap) = self.kinds.iter().find(|(one, _)| *one == kind)?;
        Some(Time(random.between(gap.0 / 4, gap.0 * 7 / 4)))
    }

    /// A storm.
    #[must_use]
    pub fn storm(&self, random: &mut Random) -> Weather {
        Weather {
            loss: *random.pick(&[20, 100, 300]).expect("three choices"),
            duplication: *random.pick(&[0, 100, 300]).expect("three choices"),
            stragglers: *random.pick(&[50, 200]).expect("two choices"),
            straggle: Time::from_millis(random.between(200, 2_000)),
            ..self.weather
        }
    }
}
