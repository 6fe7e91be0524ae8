//! Twins (Bano et al., *Twins: BFT Systems Made Robust*, OPODIS 2021): two unmodified copies of a
//! node that share its key. Together they equivocate, forget and vote twice without a line of
//! attack code. What they do follows from a [`Schedule`]: who hears whom in each round, and whom
//! the clients reach. All schedules of a small depth are [enumerated](Enumeration), up to
//! renaming; deeper ones are [drawn](sample).
//!
//! After the rounds the network heals. Then every invariant must have held, everything asked must
//! be answered in time, and nobody but the twins may stand accused.

mod enumeration;
mod play;
mod run;
mod sampling;
mod schedule;
mod symmetry;

#[cfg(test)]
mod tests;

pub use enumeration::{Enumeration, Reach};
pub use play::{Played, ROUND, play};
pub use run::{Totals, run};
pub use sampling::{Shape, sample};
pub use schedule::{Round, Schedule, ScheduleError};
