//! Switches that break one rule each, to prove that a test bites.
//!
//! Without the feature `mutations`, which no product enables, [`active`] is a constant `false` and
//! every mutated line is compiled away. With it a thread may break one rule at a time. What each
//! mutation does, and what catches it, is listed in `docs/mutations.md`.

/// A rule that can be broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mutation {
    /// `select_base` counts the report of a leader that signed two branches (P4.8, step 3).
    EquivocatorReportCounts,
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
