//! The rules of the byzantine mode (`docs/protocol.md`, §§ 1–5) as models that a checker explores.
//!
//! The models share no code with `crates/consensus`: they are a second reading of the rules, so
//! that a mistake has to be made twice to stay hidden. Nothing in the library does IO. What the
//! models cover, and what they leave out, stands in `docs/model.md`.

pub mod liveness;
pub mod random;
pub mod safety;
