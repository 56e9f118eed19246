//! What every world begins with and takes longer to make than a short run: made once for a thread.

use headcount::assets::Assets;
use headcount::config::Config;

thread_local! {
    static ASSETS: Assets = Assets::embedded();
    /// Its limits come from the defaults of the command line.
    static CONFIG: Config = Config::default();
}

/// The files that are embedded. A copy shares their bodies.
pub fn assets() -> Assets {
    ASSETS.with(Clone::clone)
}

/// A server that was told nothing.
pub fn config() -> Config {
    CONFIG.with(Clone::clone)
}
