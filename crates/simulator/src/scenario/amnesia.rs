//! A2 again, with the only witness starting anew before it reports.
//!
//! B is the only node that can say what A committed. Its accepted pair is on its disk, so a restart
//! changes nothing.

use consensus::Message;

use super::{
    Script,
    lost_commit::{B, D, Denier, commit_at_a, finish, permits},
    script::{Rules, stage},
};
use crate::trace::Trace;

pub(super) static SCRIPTS: &[Script] = &[Script {
    id: "restarted-witness",
    rule: "P3.3, P11.1",
    summary: "the only node that can report what another committed starts anew before it reports",
    published: "",
    play: restart_the_witness,
}];

fn restart_the_witness(trace: Trace) -> Result<String, String> {
    let rules = Rules(|now, from, to, message: &Message| permits(now, from, to, message, &[]));
    let mut simulation = stage((D, Box::new(Denier)), Box::new(rules), trace);
    let lost = commit_at_a(&mut simulation)?;
    let witness = &mut simulation.hosts[B.position()];
    witness.crash();
    witness.start(&mut simulation.world);
    finish(simulation, lost)
}
