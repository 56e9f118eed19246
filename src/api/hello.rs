//! Who a client is, and which copies it has of which rooms.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Deserializer;
use serde_json::value::RawValue;

use crate::presence::{At, ClientId, Digest, Epoch, Seq};

use super::error::ApiError;
use super::wanted::{Has, Wanted};

/// `["hello", {"client"?, "rooms"?, "view"?}]`: who a client is, and what it has.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Hello {
    /// Its id, if it has one.
    pub client: Option<ClientId>,
    /// The rooms that it wants to be in, and what it has of them.
    pub rooms: Vec<(String, Has)>,
    /// How it wants to be told of them.
    pub view: Option<Wanted>,
}

pub(super) fn hello(
    client: Option<&RawValue>,
    rooms: Option<&RawValue>,
    view: Option<Wanted>,
) -> Result<Hello, ApiError> {
    let id = |client: &RawValue| {
        let text = serde_json::from_str::<Cow<'_, str>>(client.get());
        text.ok().and_then(|text| ClientId::parse(&text)).ok_or(ApiError::ClientInvalid)
    };
    let client = client.map(id).transpose()?;
    let rooms = rooms.map_or("{}", RawValue::get);
    let rooms: BTreeMap<String, &RawValue> =
        serde_json::from_str(rooms).map_err(|_| ApiError::MessageInvalid)?;
    let rooms = rooms.into_iter().map(|(room, at)| Ok::<_, ApiError>((room, copy(at)?)));
    Ok(Hello { client, rooms: rooms.collect::<Result<_, _>>()?, view })
}

/// The client that the payload of CONNECT names, if it has one of ours in it.
pub fn client_of_auth(auth: &str) -> Option<ClientId> {
    #[derive(Deserialize)]
    struct Auth<'a> {
        #[serde(borrow)]
        client: Cow<'a, str>,
    }
    ClientId::parse(&serde_json::from_str::<Auth<'_>>(auth).ok()?.client)
}

/// `[epoch, seq, digest]`, or `null`.
pub(super) fn copy(at: &RawValue) -> Result<Has, ApiError> {
    type Parts<'a> = Option<(Cow<'a, str>, u64, Cow<'a, str>)>;
    let parts: Parts<'_> = serde_json::from_str(at.get()).map_err(|_| ApiError::AtInvalid)?;
    let Some((epoch, seq, digest)) = parts else { return Ok(Has::Nothing) };
    match (Epoch::parse(&epoch), Digest::parse(&digest)) {
        (Some(epoch), Some(digest)) => Ok(Has::Copy(At { epoch, seq: Seq::of(seq), digest })),
        _ => Err(ApiError::AtInvalid),
    }
}

/// A member of an object that tells `null` from nothing.
pub(super) fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}
