//! The bounds of what is served from a folder.

use clap::{Args, value_parser};
use serde::Serialize;

const FILES: &str = "Files of --www";

/// The bounds of what is served from a folder.
#[derive(Args, Clone, Debug, Serialize)]
pub struct WwwLimits {
    /// Files served from --www; the rest are left out
    #[arg(long = "www-files-max", value_name = "N", help_heading = FILES, default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 20))]
    #[serde(rename = "www_files_max")]
    pub files_max: u32,

    /// Total size of the files served from --www, in MiB; the rest are left out
    #[arg(long = "www-mebibytes-max", value_name = "MIB", help_heading = FILES)]
    #[arg(default_value_t = 64, value_parser = value_parser!(u32).range(1..=1 << 20))]
    #[serde(rename = "www_mebibytes_max")]
    pub mebibytes_max: u32,
}
