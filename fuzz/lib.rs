//! What the fuzz targets share. The harness lies in `harness/`, and the world and the wire that it
//! drives the hub with are those of the tests, which in turn include the harness: so each path in
//! `crate::` means the same in both.

#[path = "../tests/it/wire.rs"]
pub mod wire;
#[allow(clippy::new_without_default, reason = "the tests say what kind of world it is")]
#[path = "../tests/it/world.rs"]
pub mod world;

pub mod harness;

#[allow(dead_code, reason = "the example tells more of a run")]
#[path = "../tests/sim/mod.rs"]
pub mod sim;
