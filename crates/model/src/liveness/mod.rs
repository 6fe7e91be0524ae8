//! The rules of progress: Suspects, leaving a term, timer levels (P4.1–P4.9, P6.2).
//!
//! Time runs in ticks. The network is timely from the first one on: what a correct node sends
//! arrives a tick later. That an arbitrary past came before is expressed by the states to start
//! from, in which terms, levels and knowledge differ and everything in flight was lost. In a tick
//! correct nodes do what the rules say, so that all choice is the traitors'.
//!
//! Progress within a bound is then a property of a finite graph: the network can be stopped for
//! ever exactly if a circle without a commit can be reached, and the longest way without one is
//! the bound.

pub mod adversary;
pub mod explore;
pub mod graph;
pub mod rules;
pub mod state;
pub mod step;
pub mod suite;
mod turn;
pub mod walk;
