//! The whole server in the simulator: the input is the schedule.

use crate::sim::choices::Choices;
use crate::sim::run::run;

/// Clients of one input: more adds time and nothing else.
const CLIENTS_MAX: usize = 12;

/// The target: a byte that says how many clients there are, then every choice there is to make:
/// who they are, what they do and when, how it is cut, which call fails.
pub fn server(input: &[u8]) {
    let Some((&clients, schedule)) = input.split_first() else { return };
    run(Choices::script(schedule), Some(1 + usize::from(clients) % CLIENTS_MAX));
}
