//! Who hears whom, round by round, and how to write that down.
//!
//! `4:0:01+|a23;0a1+|23+@17` is a schedule of four nodes, of which node 0 has the twin `a`. In the
//! first round 0 and 1 hear each other, and so do the twin, 2 and 3; clients reach the set that a
//! `+` follows. Delays are drawn from seed 17.

use std::{fmt, str::FromStr};

use consensus::{FaultModel, Mode, NodeId};

/// The most nodes that one digit can name.
const MOST_NODES: usize = 10;
/// The most rounds of a schedule; a longer text is refused.
const MOST_ROUNDS: usize = 64;

/// One round.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Round {
    /// The number of the set that each seat is in. The first seat is in set 0, and each further
    /// set has the lowest number that is free when its first seat comes.
    pub sets: Vec<u8>,
    /// Whether clients reach the seats of each set.
    pub reached: Vec<bool>,
}

/// All that a run of twins follows from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schedule {
    /// How many nodes.
    pub nodes: usize,
    /// Which have a twin, in ascending order. Twins sit behind all nodes, in this order.
    pub twins: Vec<NodeId>,
    /// The rounds.
    pub rounds: Vec<Round>,
    /// What delays are drawn from.
    pub seed: u64,
}

/// Why a text is no schedule.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ScheduleError {
    /// The parts are not there.
    #[error("a schedule is NODES:TWINS:ROUND;ROUND…@SEED, like 4:0:01+|a23;0a123+@17")]
    Form,
    /// Not so many nodes.
    #[error("twins run with 4 to {MOST_NODES} nodes")]
    Nodes,
    /// Not so many rounds.
    #[error("a schedule has 1 to {MOST_ROUNDS} rounds")]
    Rounds,
    /// Not these twins.
    #[error("of {nodes} nodes at most {most} can have a twin, each named once, in order")]
    Twins {
        /// How many nodes.
        nodes: usize,
        /// How many may be Byzantine.
        most: usize,
    },
    /// A round that does not hold every seat once.
    #[error("round '{round}' must name each of {seats} once")]
    Seats {
        /// The round.
        round: String,
        /// All seats.
        seats: String,
    },
}

impl Round {
    /// A round with its sets numbered as they must be; `reached` says for a number in `sets`
    /// whether clients reach that set.
    #[must_use]
    pub fn new(sets: &[u8], reached: impl Fn(u8) -> bool) -> Self {
        let mut order: Vec<u8> = Vec::new();
        let sets = sets
            .iter()
            .map(|set| {
                let known = order.iter().position(|one| one == set);
                let position = known.unwrap_or_else(|| {
                    order.push(*set);
                    order.len() - 1
                });
                u8::try_from(position).expect("few sets")
            })
            .collect();
        Self {
            sets,
            reached: order.into_iter().map(reached).collect(),
        }
    }

    /// The positions of the seats in a set.
    #[must_use]
    pub fn seats(&self, set: usize) -> Vec<usize> {
        let inside = |position: &usize| usize::from(self.sets[*position]) == set;
        (0..self.sets.len()).filter(inside).collect()
    }
}

impl Schedule {
    /// The character of each seat.
    fn names(&self) -> Vec<char> {
        let nodes = (b'0'..=b'9').take(self.nodes);
        let twins = (b'a'..=b'z').take(self.twins.len());
        nodes.chain(twins).map(char::from).collect()
    }

    /// The node at each seat.
    #[must_use]
    pub fn seated(&self) -> Vec<NodeId> {
        let nodes = (0..self.nodes).map(|node| NodeId(u16::try_from(node).expect("few nodes")));
        nodes.chain(self.twins.iter().copied()).collect()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names();
        write!(f, "{}:", self.nodes)?;
        for twin in &self.twins {
            write!(f, "{}", twin.0)?;
        }
        for (number, round) in self.rounds.iter().enumerate() {
            f.write_str(if number == 0 { ":" } else { ";" })?;
            for (set, reached) in round.reached.iter().enumerate() {
                if set > 0 {
                    f.write_str("|")?;
                }
                let seats: String = round
                    .seats(set)
                    .into_iter()
                    .map(|seat| names[seat])
                    .collect();
                write!(f, "{seats}{}", if *reached { "+" } else { "" })?;
            }
        }
        write!(f, "@{}", self.seed)
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let (text, seed) = match text.split_once('@') {
            Some((text, seed)) => (text, seed.parse().map_err(|_| ScheduleError::Form)?),
            None => (text, 0),
        };
        let mut parts = text.split(':');
        let (Some(nodes), Some(twins), Some(rounds), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(ScheduleError::Form);
        };
        let nodes: usize = nodes.parse().map_err(|_| ScheduleError::Form)?;
        let sizes = Some(nodes)
            .filter(|nodes| *nodes <= MOST_NODES)
            .and_then(|nodes| FaultModel::new(Mode::Byzantine, nodes).ok())
            .ok_or(ScheduleError::Nodes)?;
        let twins: Option<Vec<NodeId>> = twins
            .chars()
            .map(|one| one.to_digit(10).and_then(|digit| u16::try_from(digit).ok()))
            .map(|digit| digit.map(NodeId))
            .collect();
        let wrong = ScheduleError::Twins {
            nodes,
            most: sizes.faulty(),
        };
        let twins = twins
            .filter(|twins| twins.len() <= sizes.faulty())
            .filter(|twins| twins.iter().all(|twin| twin.position() < nodes))
            .filter(|twins| twins.is_sorted_by(|one, next| one < next))
            .ok_or(wrong)?;
        let mut schedule = Self {
            nodes,
            twins,
            rounds: Vec::new(),
            seed,
        };
        let names = schedule.names();
        for round in rounds.split(';') {
            if schedule.rounds.len() == MOST_ROUNDS {
                return Err(ScheduleError::Rounds);
            }
            schedule.rounds.push(read_round(round, &names)?);
        }
        Ok(schedule)
    }
}

fn read_round(text: &str, names: &[char]) -> Result<Round, ScheduleError> {
    let wrong = || ScheduleError::Seats {
        round: text.chars().take(40).collect(),
        seats: names.iter().collect(),
    };
    let mut sets: Vec<Option<u8>> = vec![None; names.len()];
    let mut reached = Vec::new();
    for (number, set) in text.split('|').enumerate() {
        let number = u8::try_from(number).map_err(|_| wrong())?;
        let (seats, reaches) = match set.strip_suffix('+') {
            Some(seats) => (seats, true),
            None => (set, false),
        };
        if seats.is_empty() {
            return Err(wrong());
        }
        reached.push(reaches);
        for seat in seats.chars() {
            let position = names.iter().position(|name| *name == seat);
            let place = position.and_then(|position| sets.get_mut(position));
            match place {
                Some(place @ None) => *place = Some(number),
                _ => return Err(wrong()),
            }
        }
    }
    let sets: Option<Vec<u8>> = sets.into_iter().collect();
    let sets = sets.ok_or_else(wrong)?;
    Ok(Round::new(&sets, |set| reached[usize::from(set)]))
}
