//! Some seeds of the simulator; `examples/simulate.rs` runs as many as one likes.

use crate::sim::choices::Choices;
use crate::sim::run::run;

#[test]
fn simulated_servers_lose_nobody_and_keep_nobody() {
    for seed in 0..1500 {
        run(Choices::seed(seed), None);
    }
}

#[test]
fn simulated_storm_of_many_clients_comes_right() {
    for seed in 0..5 {
        run(Choices::seed(seed), Some(1000));
    }
}

#[test]
fn same_seed_makes_the_same_run() {
    for seed in 0..50 {
        let runs = [0; 2].map(|_| run(Choices::seed(seed), None));
        assert_eq!(runs[0].trace, runs[1].trace, "seed {seed}");
        assert_eq!(runs[0].calls, runs[1].calls, "seed {seed}");
    }
}

/// A fuzzer's bytes decide as a seed does. Without any nothing unusual happens.
#[test]
fn bytes_are_a_schedule() {
    run(Choices::script(b""), None);
    for seed in 0..200 {
        let mut choices = Choices::seed(seed);
        let length = choices.between(1, 2000);
        let bytes: Vec<u8> = (0..length).map(|_| choices.below(256) as u8).collect();
        run(Choices::script(&bytes), None);
    }
}
