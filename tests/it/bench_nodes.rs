//! `headcount bench --nodes`: several processes that share rooms by way of a Redis server.

use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bench::{bench, check, check_refused, figure, report};

/// Whether there is a Redis server to start.
fn has_redis(test: &str) -> bool {
    let version = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status();
    let has_redis = version.is_ok_and(|status| status.success());
    if !has_redis {
        eprintln!("SKIPPED: {test} needs redis-server");
    }
    has_redis
}

#[test]
fn clients_of_all_nodes_are_told_the_same() {
    if !has_redis("clients_of_all_nodes_are_told_the_same") {
        return;
    }
    for rooms in ["1", "4"] {
        let all = ["-n", "48", "--nodes", "3", "--rooms", rooms];
        let report = check("churn", &[&all[..], &["--rate", "100"]].concat());
        assert_eq!(report["nodes"], 3);
        // What is changed on one node is told on all, and each node says that once.
        assert!(figure(&report, "deliveries") > 0.0);
        let commands = figure(&report, "redis_commands_per_change");
        assert!((0.01..=2.0).contains(&commands), "{commands} commands for each change");
        assert!(figure(&report, "memory_per_client") > 0.0);
        check("fanout", &[&all[..], &["--rounds", "6", "--changes", "data"]].concat());
    }
    check("storm", &["-n", "100", "--nodes", "2"]);
}

/// Whoever stays is told nothing of those who come back to another node.
#[test]
fn clients_come_back_to_another_node_unseen() {
    if !has_redis("clients_come_back_to_another_node_unseen") {
        return;
    }
    for scenario in ["reload", "cut"] {
        let report = check(scenario, &["-n", "50", "--nodes", "3", "--cut-s", "1"]);
        assert_eq!(figure(&report, "resumed"), 50.0, "{report}");
        assert_eq!(figure(&report, "resumed_by_content"), 50.0, "{report}");
        assert_eq!(figure(&report, "still_logged_in"), 50.0, "{report}");
        assert_eq!(figure(&report, "observer_frames_of_clients"), 0.0, "{report}");
    }
}

#[test]
fn all_are_equal_after_nodes_and_redis_were_killed_and_paused() {
    if !has_redis("all_are_equal_after_nodes_and_redis_were_killed_and_paused") {
        return;
    }
    let arguments = ["nodes", "-n", "40", "--nodes", "3", "--seconds", "6", "--seed", "13"];
    let (report, code) = report(&[&arguments[..], &["--", "--hold-lost-ms=3000"]].concat());
    assert_eq!((&report["is_correct"], code), (&Value::Bool(true), Some(0)), "{report}");
    let events = report["events"].as_array().expect("events");
    let faults = ["nodes_killed", "nodes_paused", "redis_killed", "redis_paused"];
    let faults = [&faults[..], &["redis_clients_killed", "redis_flushed"]].concat();
    let counts = faults.iter().map(|name| figure(&report, name));
    assert_eq!(counts.sum::<f64>(), events.len() as f64);
    assert_eq!(figure(&report, "wrong_leaves"), 0.0);
    assert!(figure(&report, "changes") > 0.0);
    assert!(figure(&report, "all_equal_after_last_fault") < 30.0);
}

#[test]
fn nodes_without_redis_are_told_in_one_line() {
    let output = Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(["bench", "idle", "-n", "3", "--nodes", "3"])
        .env("PATH", "/nowhere")
        .output()
        .expect("the program runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("can't start redis-server") && errors.contains("--redis URL"));
    assert_eq!(errors.lines().count(), 1, "{errors}");
    let few = ["churn", "-n", "5", "--nodes", "3", "--rooms", "2"];
    check_refused(&few, "5 clients can't be spread over 3 nodes with 2 rooms each");
    let url = ["idle", "--nodes", "2", "--url", "ws://127.0.0.1:1"];
    assert_eq!(bench(&url).status.code(), Some(2));
}
