//! What must be so in a run, all the time and in the end.

use super::{KNOWN_MS, LOOK_MS, World};
use crate::nodes::node::{Node, ROOMS};

impl World {
    /// No copy was another than the part that its node told of.
    pub(super) fn check_nothing_differed(&self) {
        for (index, node) in self.nodes.iter().enumerate() {
            let differences = node.backplane.numbers().differences;
            assert_eq!(differences, 0, "node {index} was told of what it did not have");
        }
    }

    /// Nobody has seen somebody leave who is there, or is away for a moment.
    pub(super) fn check_nobody_left(&mut self) {
        if self.wildness.one_in > 0 {
            return;
        }
        let now = self.now;
        let looks_at_all = now >= self.looked_at + LOOK_MS;
        if looks_at_all {
            self.looked_at = now;
        }
        let stops: Vec<_> = self.nodes.iter().map(Node::stopped).collect();
        for (index, node) in self.nodes.iter_mut().enumerate() {
            if !std::mem::take(&mut node.has_told) && !looks_at_all {
                continue;
            }
            // While the server alone is away, and when it is back, all is as it was.
            let knew_until = node.knew_until(KNOWN_MS, now).filter(|_| self.is_outage);
            let Some(until) = node.knows_until(KNOWN_MS, now).or(knew_until) else { continue };
            let until = if until < now { until.min(self.failed_at) } else { until };
            for room in 0..ROOMS.len() {
                let Some((_, since)) = node.watched[room] else { continue };
                let (stopped_from, stopped_until) = self.stopped;
                let is_told = until > stopped_until + KNOWN_MS || since + KNOWN_MS < stopped_from;
                if since + KNOWN_MS > until || !is_told {
                    continue;
                }
                let document = node.document(room, now);
                let names = document["names"].as_array().unwrap();
                if self.failed_at == 0 && until == now {
                    let has = |name: &str| {
                        let lingers = self.lingering.iter();
                        lingers
                            .copied()
                            .any(|(at, one, until)| at == room && one == name && until > now)
                            || self.clients.iter().any(|one| one.has(room, name))
                    };
                    let ghost = names.iter().find(|name| !has(name.as_str().unwrap()));
                    assert!(ghost.is_none(), "at {now}, node {index}: {ghost:?} is nobody");
                }
                for client in self.clients.iter().filter(|client| client.room == room) {
                    let calm = if until == now { self.failed_at + 8_000 } else { 0 };
                    let (stopped_from, stopped_until) = stops[client.was];
                    let is_known = client.since.is_some_and(|since| {
                        // A node that was stopped at once has not told of it.
                        let moved_at = since.max(client.moved_at);
                        let is_told =
                            moved_at + KNOWN_MS < stopped_from || stopped_until < moved_at;
                        let since = if is_told { since } else { stopped_until };
                        since.max(calm) + KNOWN_MS < until
                    });
                    let is_seen = names.iter().any(|name| name == client.name);
                    let is_right = !is_known || is_seen;
                    assert!(is_right, "at {now}, node {index}: no {client:?} in {document}");
                }
            }
        }
    }
}
