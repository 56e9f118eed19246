//! What a connection acts on: everything but the other connections.

use crate::addresses::{AddressLimits, Addresses};
use crate::assets::Assets;
use crate::config::Config;
use crate::connection::{Connection, Subscription};
use crate::presence::{Encoder, MemberId, Presence, RoomId, View};
use crate::tally::Tally;
use crate::ws::{Codec, Deflater, Inflater};

use super::counts::Counts;
use super::refused_origin::RefusedOrigin;

/// What a connection acts on.
#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) assets: Assets,
    /// The value of the `Date` field.
    pub(super) date: String,
    pub(super) presence: Presence,
    pub(super) codec: Codec,
    pub(super) addresses: Addresses,
    pub(super) counts: Counts,
    pub(super) tally: Tally,
    /// Of this turn, for the log.
    pub(super) refused_origins: Vec<RefusedOrigin>,
}

impl Context {
    pub(super) fn new(config: Config, assets: Assets) -> Context {
        Context {
            codec: codec(&config),
            config,
            assets,
            date: String::new(),
            presence: Presence::new(),
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

    /// A connection begins to follow a room.
    pub(super) fn follow(&mut self, connection: &mut Connection, room: RoomId, view: View) {
        let place = self.presence.room_mut(room).follow(connection.id.index, &view);
        connection.subscriptions.push(Subscription { room, place, member: None, view });
    }

    /// A connection follows a room no more. If it follows the same room in another way, its member
    /// stays with that; otherwise nothing holds the member any more.
    pub(super) fn unfollow(&mut self, connection: &mut Connection, gone: &Subscription) {
        self.presence.room_mut(gone.room).unfollow(gone.place, &gone.view);
        let Some(member) = gone.member else { return };
        match connection.subscriptions.iter_mut().find(|one| one.room == gone.room) {
            Some(other) => other.member = Some(member),
            None => self.logout(member),
        }
    }

    /// What holds a member lets go of it.
    pub(super) fn logout(&mut self, member: MemberId) {
        self.presence.detach(member);
        self.tally.logouts += 1;
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
