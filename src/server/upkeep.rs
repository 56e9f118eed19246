//! What each turn does beside its connections: the date, the files of `--www`, the numbers.

use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use tracing::{info, warn};

use crate::time::Time;

use super::event_loop::Server;
use super::net::Net;
use super::stopwatch::Stopwatch;
use super::www::{News, Unreadable, Www};

/// The end of the year 9999, in seconds since 1970: an HTTP-date has four digits for the year.
const LAST_DATE_SECONDS: u64 = 253_402_300_799;

impl<N: Net> Server<N> {
    /// Tells the hub what day it is, once a second. A clock that was never set may be before the
    /// first day that there is, or after the last one that can be written.
    pub(super) fn keep_date(&mut self) {
        let age = self.net.date().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = age.as_secs().min(LAST_DATE_SECONDS);
        if seconds != self.dated {
            self.dated = seconds;
            let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            self.hub.set_date(httpdate::fmt_http_date(date));
        }
    }

    /// Takes what the thread that looks at the folder has for it. It looks a few times a second at
    /// most, and so there are no more lines.
    pub(super) fn keep_www(&mut self) {
        for news in self.www.iter().flat_map(Www::take_news) {
            match news {
                News::Changed(assets) => {
                    self.hub.set_assets(assets);
                    info!("files of --www reloaded");
                }
                News::LeftOut(left_out) => warn!(left_out, "not all of --www is served"),
                News::Unreadable(Unreadable { path, error }) => {
                    let path = path.display();
                    warn!(%path, %error, "can't read --www; serving the previous files");
                }
            }
        }
    }

    /// Counts the turn that is over, and says in the log if it was too long.
    pub(super) fn count_turn(&mut self, stopwatch: &Stopwatch, now: Time) {
        let total = stopwatch.total();
        let stall_ms = u128::from(self.hub.config().limits.stall_ms);
        let turns = &mut self.hub.tally_mut().turns;
        turns.add(u64::try_from(total.as_micros()).unwrap_or(u64::MAX));
        if total.as_millis() >= stall_ms {
            turns.stalls += 1;
            self.journal.stalled(stopwatch, now);
        }
        self.journal.settle(now);
        let dropped = self.lines_dropped.load(Ordering::Relaxed);
        self.hub.tally_mut().log_lines_dropped = self.journal.left_out() + dropped;
    }
}
