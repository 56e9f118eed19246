//! What a connection acts on: everything but the other connections.

use std::collections::VecDeque;

use crate::addresses::{AddressLimits, Addresses};
use crate::assets::Assets;
use crate::backplane::Backplane;
use crate::config::Config;
use crate::connection::ConnectionId;
use crate::presence::{Encoder, Leave, MemberId, Presence};
use crate::tally::Tally;
use crate::ws::{Codec, Deflater, Inflater};

use super::clients::Clients;
use super::counts::Counts;
use super::refused_origin::RefusedOrigin;
use super::returning::Returning;
use super::sessions::Sessions;
use super::visit::Visit;

/// What a connection acts on.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) assets: Assets,
    /// The value of the `Date` field.
    pub(super) date: String,
    pub(super) presence: Presence,
    /// This node among others, if there are others.
    pub(super) backplane: Option<Backplane>,
    pub(super) clients: Clients,
    pub(super) sessions: Sessions,
    /// Clients that wait for others, those first that wait longest.
    pub(super) returning: VecDeque<Returning>,
    /// Rooms that are here for requests, those first that were asked for first.
    pub(super) visits: VecDeque<Visit>,
    /// Clients that wait until it is known what other nodes have in their rooms.
    pub(super) loading: Vec<ConnectionId>,
    pub(super) codec: Codec,
    pub(super) addresses: Addresses,
    pub(super) counts: Counts,
    pub(super) tally: Tally,
    /// Of this turn, for the log.
    pub(super) refused_origins: Vec<RefusedOrigin>,
}

impl Context {
    pub(super) fn new(config: Config, assets: Assets) -> Context {
        let mut presence = Presence::new(config.seed);
        if config.shows_causes {
            presence.show_causes();
        }
        if config.saves {
            presence.save();
        }
        let backplane = config.redis.as_ref().map(Backplane::new);
        if let Some(backplane) = &backplane {
            presence.share(backplane.me());
        }
        Context {
            backplane,
            codec: codec(&config),
            presence,
            config,
            clients: Clients::default(),
            sessions: Sessions::default(),
            returning: VecDeque::new(),
            visits: VecDeque::new(),
            loading: Vec::new(),
            assets,
            date: String::new(),
            addresses: Addresses::default(),
            counts: Counts::default(),
            tally: Tally::default(),
            refused_origins: Vec::new(),
        }
    }

    /// Replaces what compresses and inflates for all connections.
    pub(super) fn renew_codec(&mut self) {
        self.codec = codec(&self.config);
    }

    pub(super) fn address_limits(&self) -> AddressLimits {
        let limits = &self.config.limits;
        AddressLimits { open_max: limits.connections_per_address_max, rate: limits.address_rate() }
    }

    /// What held a member lets go of it.
    pub(super) fn release(&mut self, member: MemberId, leave: Leave) {
        self.presence.release(member, leave, &self.config.limits);
    }
}

fn codec(config: &Config) -> Codec {
    let deflater = Deflater::new(config.limits.deflate_level);
    Codec { inflater: Inflater::default(), deflater }
}

/// What encodes a message for many.
pub(super) fn encoder<'a>(codec: &'a mut Codec, config: &Config) -> Encoder<'a> {
    let deflate_bytes_min = config.limits.deflate_bytes_min as usize;
    Encoder { deflater: &mut codec.deflater, deflate_bytes_min }
}
