//! The bounds of what is served from a folder.

use clap::{Args, value_parser};
use serde::Serialize;

const FILES: &str = "Files of --www";

/// The bounds of what is served from a folder.
#[derive(Args, Clone, Debug, Serialize)]
pub struct WwwLimits {
    /// Files served from --www; the rest are left out
    #[arg(long, value_name = "N", help_heading = FILES, default_value_t = 1000)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 20))]
    pub www_files_max: u32,

    /// Total size of the files served from --www, in MiB; the rest are left out
    #[arg(long, value_name = "MIB", help_heading = FILES, default_value_t = 64)]
    #[arg(value_parser = value_parser!(u32).range(1..=1 << 20))]
    pub www_mebibytes_max: u32,
}
