//! Where Redis is, and the password for it, which nobody is told.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Command};
use headcount::config::RedisUrl;

use crate::system;

/// Reads a URL. What it says of a broken one does not repeat it: there may be a password in it.
#[derive(Clone, Debug)]
pub(crate) struct UrlParser;

impl TypedValueParser for UrlParser {
    type Value = RedisUrl;

    fn parse_ref(
        &self,
        command: &Command,
        _argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<RedisUrl, clap::Error> {
        let url = value.to_str().ok_or("it is not UTF-8").and_then(str::parse);
        url.map_err(|reason| {
            let text = format!("the URL of --redis is invalid: {reason}\n");
            command.clone().error(ErrorKind::ValueValidation, text)
        })
    }
}

/// The password that is not in a URL: that of the file, or else of the environment.
pub(crate) fn password(file: Option<&Path>) -> Result<Option<String>, String> {
    let Some(path) = file else { return Ok(env::var("HEADCOUNT_REDIS_PASSWORD").ok()) };
    let text = fs::read_to_string(path);
    let text = text
        .map_err(|error| format!("can't read {}: {}", path.display(), system::describe(&error)))?;
    Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()))
}
