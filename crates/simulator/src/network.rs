//! What lies between the nodes: delay, loss, duplication, reordering, partitions (also one-way).

use consensus::{NodeId, Time};

use crate::{random::Random, seat::Seat};

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Shortest delay.
    pub shortest: Time,
    /// Longest ordinary delay. Most messages are much nearer to the shortest.
    pub longest: Time,
    /// Messages of a thousand that take up to [`Weather::straggle`].
    pub stragglers: u32,
    /// Longest delay of a straggler.
    pub straggle: Time,
    /// Messages of a thousand that are lost.
    pub loss: u32,
    /// Messages of a thousand that arrive twice.
    pub duplication: u32,
}

impl Weather {
    /// Timely: what the network is like after it healed (P1.1).
    pub const TIMELY: Self = Self {
        shortest: Time(500),
        longest: Time::from_millis(10),
        stragglers: 0,
        straggle: Time::from_millis(10),
        loss: 0,
        duplication: 0,
    };
}

/// The network.
#[derive(Clone, Debug)]
pub struct Network {
    seats: usize,
    /// Whether the link from the row's seat to the column's is cut.
    cut: Vec<bool>,
    weather: Weather,
    /// The only node that votes reach, if there is one.
    favourite: Option<NodeId>,
    random: Random,
}

impl Network {
    /// A network without cut links between so many [seats](Seat).
    #[must_use]
    pub fn new(seats: usize, weather: Weather, random: Random) -> Self {
        Self {
            seats,
            cut: vec![false; seats * seats],
            weather,
            favourite: None,
            random,
        }
    }

    /// Changes how messages travel from now on.
    pub const fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Cuts the link from one node to another, in that direction.
    pub fn cut(&mut self, from: NodeId, to: NodeId) {
        self.cut[from.position() * self.seats + to.position()] = true;
    }

    /// Lets the link from one node to another work again.
    pub fn restore(&mut self, from: NodeId, to: NodeId) {
        self.cut[from.position() * self.seats + to.position()] = false;
    }

    /// Cuts and mends links so that those seats hear each other that have the same number.
    ///
    /// # Panics
    /// If there is not a number for every seat.
    pub fn divide(&mut self, groups: &[u8]) {
        assert_eq!(groups.len(), self.seats, "a number for every seat");
        for (row, from) in self.cut.chunks_mut(self.seats).zip(groups) {
            for (cut, to) in row.iter_mut().zip(groups) {
                *cut = from != to;
            }
        }
    }

    /// Cuts every link between the nodes in `side` and the others, in both directions.
    pub fn split(&mut self, side: &[NodeId]) {
        for from in 0..self.seats {
            for to in 0..self.seats {
                let inside = |node: usize| side.iter().any(|one| one.position() == node);
                if inside(from) != inside(to) {
                    self.cut[from * self.seats + to] = true;
                }
            }
        }
    }

    /// Lets votes reach this node only.
    pub const fn favour(&mut self, node: NodeId) {
        self.favourite = Some(node);
    }

    /// Draws delays and losses from now on from something else.
    pub fn draw_from(&mut self, random: Random) {
        self.random = random;
    }

    /// Mends every link.
    pub fn mend(&mut self) {
        self.favourite = None;
        self.cut.fill(false);
    }

    /// When a message sent now arrives: never, once, or twice.
    pub fn arrivals(
        &mut self,
        from: impl Into<Seat>,
        to: impl Into<Seat>,
        is_vote: bool,
    ) -> [Option<Time>; 2] {
        let (from, to) = (from.into(), to.into());
        let unheard = is_vote
            && self
                .favourite
                .is_some_and(|favourite| favourite != to.node());
        if unheard
            || self.cut[from.position() * self.seats + to.position()]
            || self.random.chance(self.weather.loss)
        {
            return [None, None];
        }
        let first = self.delay();
        let again = self.random.chance(self.weather.duplication);
        [Some(first), again.then(|| self.delay())]
    }

    fn delay(&mut self) -> Time {
        let Weather {
            shortest,
            longest,
            stragglers,
            straggle,
            ..
        } = self.weather;
        if self.random.chance(stragglers) {
            return Time(self.random.between(shortest.0, straggle.0.max(shortest.0)));
        }
        // The cube of a uniform number: many short delays and a long tail.
        let uniform = self.random.below(1 << 16);
        let skewed = (uniform * uniform * uniform) >> 32;
        let span = longest.0.saturating_sub(shortest.0);
        Time(shortest.0 + ((span * skewed) >> 16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(weather: Weather) -> Network {
        Network::new(4, weather, Random::new(3))
    }

    #[test]
    fn a_cut_is_one_way_and_a_split_both() {
        let mut network = network(Weather::TIMELY);
        let [a, b, c] = [NodeId(0), NodeId(1), NodeId(2)];
        network.cut(a, b);
        assert_eq!(network.arrivals(a, b, false), [None, None]);
        assert!(network.arrivals(b, a, false)[0].is_some());
        network.split(&[a, b]);
        assert_eq!(network.arrivals(c, a, false), [None, None]);
        assert_eq!(network.arrivals(a, c, false), [None, None]);
        network.mend();
        assert!(network.arrivals(a, b, false)[0].is_some());
        network.favour(a);
        assert_eq!(network.arrivals(c, b, true), [None, None]);
        assert!(network.arrivals(c, a, true)[0].is_some());
        assert!(network.arrivals(c, b, false)[0].is_some());
    }

    #[test]
    fn delays_stay_in_their_bounds() {
        let mut network = network(Weather {
            loss: 100,
            duplication: 100,
            stragglers: 10,
            straggle: Time::from_millis(500),
            ..Weather::TIMELY
        });
        let (mut lost, mut twice) = (0, 0);
        for _ in 0..10_000 {
            match network.arrivals(NodeId(0), NodeId(1), false) {
                [None, _] => lost += 1,
                [Some(first), second] => {
                    assert!(first.0 >= 500 && first <= Time::from_millis(500));
                    twice += usize::from(second.is_some());
                }
            }
        }
        assert!((800..1_200).contains(&lost), "{lost} of 10000 lost");
        assert!((700..1_200).contains(&twice), "{twice} of 10000 doubled");
    }
}
