//! Exhaustive checks with stateright.

use std::time::{Duration, Instant};

use stateright::{Checker, HasDiscoveries, Model, Property};

use super::{Action, Protocol, State, Variation, moves::Bounds};

/// What to check, and how far.
#[derive(Clone, Debug)]
pub struct Check {
    /// n.
    pub nodes: usize,
    /// The numbers of the Byzantine nodes, f of them.
    pub byzantine: Vec<usize>,
    /// Terms, entries, branches.
    pub bounds: Bounds,
    /// The rules.
    pub variation: Variation,
    /// How many threads.
    pub threads: usize,
    /// Stops after so much time; the check then says nothing about what it did not reach.
    pub limit: Option<Duration>,
    /// Stops after so many steps tried, which bounds memory; likewise.
    pub most_steps: Option<usize>,
}

/// What a check saw.
#[derive(Clone, Debug)]
pub struct Checked {
    /// States that differ, also up to the order of correct nodes.
    pub states: usize,
    /// Steps tried from them.
    pub steps: usize,
    /// The longest path.
    pub depth: usize,
    /// How long it took.
    pub elapsed: Duration,
    /// Whether every state within the bounds was visited.
    pub complete: bool,
    /// A way to a violation, and its name.
    pub counterexample: Option<Counterexample>,
}

/// A way to a violation.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// The violation's name.
    pub name: &'static str,
    /// What happened, step by step, and at last what is violated.
    pub lines: Vec<String>,
}

impl Counterexample {
    /// The shortened way, in words.
    #[must_use]
    pub fn new(protocol: &Protocol, actions: &[Action], name: &'static str) -> Self {
        let actions = super::shrink::shrink(protocol, actions, name);
        let mut lines: Vec<_> = actions
            .iter()
            .map(|action| super::trace::step(protocol, action))
            .collect();
        let mut state = State::new(protocol);
        for action in &actions {
            // Shrinking left only steps that the rules allow.
            let _ = protocol.apply(&mut state, action);
        }
        lines.extend(
            protocol
                .fork(&state)
                .into_iter()
                .chain(protocol.accusation(&state))
                .find(|violation| violation.name() == name)
                .map(|violation| super::trace::violation(protocol, &violation)),
        );
        Self { name, lines }
    }

    /// The way that a check took. Its states are settled, so a way that the rules themselves do
    /// not allow would be a mistake of the settling; it is shown as it is.
    fn found(protocol: &Protocol, actions: &[Action]) -> Self {
        match super::shrink::replay(protocol, actions).1 {
            Some(violation) => Self::new(protocol, actions, violation.name()),
            None => Self {
                name: "not-replayable",
                lines: actions
                    .iter()
                    .map(|action| super::trace::step(protocol, action))
                    .collect(),
            },
        }
    }

    /// Steps until the violation.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.lines.len().saturating_sub(1)
    }
}

struct Explored {
    protocol: Protocol,
    bounds: Bounds,
}

impl Model for Explored {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State::new(&self.protocol)]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        actions.extend(self.protocol.moves(state, &self.bounds));
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let position = action.node();
        let next = self.protocol.step(state, &action).ok()?;
        (next.nodes[position] != state.nodes[position])
            .then(|| self.protocol.settled(next, &self.bounds))
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("the ledger does not fork", |model: &Self, state| {
                model.protocol.fork(state).is_none()
            }),
            Property::always("no correct node is accused", |model: &Self, state| {
                model.protocol.accusation(state).is_none()
            }),
        ]
    }
}

impl Check {
    /// Visits every state within the bounds, or until something is violated or time is up.
    /// `None` if these sizes and traitors make no network.
    #[must_use]
    pub fn run(&self) -> Option<Checked> {
        let started = Instant::now();
        let protocol = Protocol::new(self.nodes, &self.byzantine, self.variation)?;
        let bounds = self.bounds;
        let mut builder = Explored { protocol, bounds }
            .checker()
            .threads(self.threads)
            .finish_when(HasDiscoveries::AnyFailures);
        // A leader that signs twice after a restart is told from the other correct nodes by its
        // number (P4.8, step 3); under every other variation correct nodes are alike.
        if self.variation != Variation::LedSkipped {
            builder = builder.symmetry_fn(State::representative);
        }
        if let Some(limit) = self.limit {
            builder = builder.timeout(limit);
        }
        if let Some(most) = self.most_steps {
            builder = builder.target_state_count(most);
        }
        let checker = builder.spawn_dfs().join();
        let elapsed = started.elapsed();
        let protocol = &checker.model().protocol;
        let counterexample = checker
            .discoveries()
            .into_values()
            .map(|path| Counterexample::found(protocol, &path.into_actions()))
            .next();
        Some(Checked {
            states: checker.unique_state_count(),
            steps: checker.state_count(),
            depth: checker.max_depth(),
            elapsed,
            complete: counterexample.is_none()
                && self.limit.is_none_or(|limit| elapsed < limit)
                && self
                    .most_steps
                    .is_none_or(|most| checker.state_count() < most),
            counterexample,
        })
    }
}
