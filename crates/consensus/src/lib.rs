//! The consensus core: replicas of every mode as deterministic state machines.
